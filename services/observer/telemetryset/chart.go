// SPDX-License-Identifier: Apache-2.0

// Package telemetryset is the small telemetry set as a Helm chart that
// travels inside the program: a Prometheus and an OpenTelemetry Collector.
package telemetryset

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// Release is the name of the set's Helm release.
const Release = "hydra-telemetry"

// Components are the Deployments of the set.
func Components() []string { return []string{"hydra-prometheus", "hydra-collector"} }

//go:embed all:chart
var files embed.FS

// Chart loads the chart.
func Chart() (*chart.Chart, error) {
	var buffered []*loader.BufferedFile
	err := fs.WalkDir(files, "chart", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		buffered = append(buffered, &loader.BufferedFile{Name: strings.TrimPrefix(path, "chart/"), Data: data})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the telemetry chart: %w", err)
	}
	c, err := loader.LoadFiles(buffered)
	if err != nil {
		return nil, fmt.Errorf("load the telemetry chart: %w", err)
	}
	return c, nil
}

// Values are what differs from one cluster to another.
type Values struct {
	PrometheusImage string
	CollectorImage  string
	EntryTarget     string // host:port of the entry's metrics; empty: none
}

// Map is the form that Helm takes.
func (v Values) Map() map[string]any {
	return map[string]any{
		"prometheus": map[string]any{"image": v.PrometheusImage},
		"collector":  map[string]any{"image": v.CollectorImage},
		"entry":      map[string]any{"target": v.EntryTarget},
	}
}
