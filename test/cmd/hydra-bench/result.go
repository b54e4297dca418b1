// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Result is one measured value. Baseline is what it is compared with, in the
// same run; without one only the goal counts.
type Result struct {
	Group         string   `json:"group"`
	Name          string   `json:"name"`
	Value         float64  `json:"value"`
	Unit          string   `json:"unit"`
	Baseline      string   `json:"baseline,omitempty"`
	BaselineValue *float64 `json:"baseline_value"`
	Ratio         *float64 `json:"ratio"`
	Goal          string   `json:"goal"`
	Met           bool     `json:"met"`
	Commit        string   `json:"commit"`
}

// atMost compares a value with a fixed limit.
func atMost(name string, value float64, unit string, limit float64) Result {
	return Result{Name: name, Value: value, Unit: unit, Goal: fmt.Sprintf("<= %g %s", limit, unit), Met: value <= limit}
}

// against compares a value with a baseline of the same run.
func against(name string, value float64, unit, baseline string, baselineValue, atMost float64) Result {
	ratio := value / baselineValue
	return Result{
		Name: name, Value: value, Unit: unit, Baseline: baseline, BaselineValue: &baselineValue, Ratio: &ratio,
		Goal: fmt.Sprintf("<= %g x baseline", atMost), Met: ratio <= atMost,
	}
}

func headCommit(ctx context.Context, root string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", "-C", root, "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "", fmt.Errorf("name the measured commit: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// merge replaces the group's results in the file.
func merge(file, group, commit string, results []Result) ([]Result, error) {
	var all []Result
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	all = slices.DeleteFunc(all, func(r Result) bool { return r.Group == group })
	for _, r := range results {
		r.Group, r.Commit = group, commit
		all = append(all, r)
	}
	if data, err = json.MarshalIndent(all, "", "  "); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	return all, os.WriteFile(file, append(data, '\n'), 0o644)
}

func writeDocument(file string, all []Result) error {
	var b strings.Builder
	b.WriteString(`# Benchmarks

Generated from [bench/results.json](../bench/results.json) by ` + "`make bench`" + `. Each value is the
median of the rounds of one run; a baseline is measured in the same run, round by
round in turn, on the same machine. Only ratios carry over to other machines.

| group | what | value | baseline | ratio | goal | met |
|---|---|--:|--:|--:|---|---|
`)
	for _, r := range all {
		baseline, ratio, met := "", "", "no"
		if r.BaselineValue != nil {
			baseline = fmt.Sprintf("%s: %s", r.Baseline, number(*r.BaselineValue, r.Unit))
			ratio = fmt.Sprintf("%.2f", *r.Ratio)
		}
		if r.Met {
			met = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", r.Group, r.Name, number(r.Value, r.Unit), baseline, ratio, r.Goal, met)
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

func number(v float64, unit string) string { return fmt.Sprintf("%.4g %s", v, unit) }

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}
