// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The checks of a telemetry set.
const (
	checkPush    = "push"    // the collector takes a value over OTLP
	checkRead    = "read"    // Prometheus gives the same value back
	checkKubelet = "kubelet" // nodes tell what pods use
	checkEntry   = "entry"   // the HTTP entry tells what apps are asked
)

// verifier pushes a value in at one end of the set and reads it at the other.
type verifier struct {
	metrics   Metrics
	collector string // base URL of the collector's OTLP over HTTP
	transport http.RoundTripper
	entry     bool // the set is meant to scrape an entry
	run       string
	now       func() time.Time
}

// verify does every check until all succeed or ctx ends. The error names the
// component of the first that does not.
func (v *verifier) verify(ctx context.Context) (checks map[string]bool, component string, err error) {
	v.run = rand.Text()
	checks = map[string]bool{checkPush: false, checkRead: false, checkKubelet: false}
	steps := []struct {
		check, component string
		do               func(context.Context) error
	}{
		{checkPush, "hydra-collector", v.push},
		{checkRead, "hydra-prometheus", v.read},
		{checkKubelet, "kubelet", func(ctx context.Context) error { return v.up(ctx, jobKubelet) }},
	}
	if v.entry {
		checks[checkEntry] = false
		steps = append(steps, struct {
			check, component string
			do               func(context.Context) error
		}{checkEntry, "entry", func(ctx context.Context) error { return v.up(ctx, jobEntry) }})
	}
	for _, step := range steps {
		for {
			if err = step.do(ctx); err == nil {
				checks[step.check] = true
				break
			}
			select {
			case <-ctx.Done():
				return checks, step.component, err
			case <-time.After(time.Second):
			}
		}
	}
	return checks, "", nil
}

// push sends one value by OTLP.
func (v *verifier) push(ctx context.Context) error {
	body, err := json.Marshal(canary(v.run, v.now()))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.collector+"/v1/metrics", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("push a value: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: v.transport}).Do(req)
	if err != nil {
		return fmt.Errorf("push a value: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("push a value: the collector answers %s: %s", resp.Status, oneLine(string(said)))
	}
	return nil
}

// canary is a gauge in the JSON form of OTLP.
func canary(run string, now time.Time) any {
	type object = map[string]any
	text := func(key, value string) object {
		return object{"key": key, "value": object{"stringValue": value}}
	}
	point := object{"timeUnixNano": strconv.FormatInt(now.UnixNano(), 10), "asDouble": 1, "attributes": []any{text("run", run)}}
	metric := object{"name": "hydra_canary", "gauge": object{"dataPoints": []any{point}}}
	return object{"resourceMetrics": []any{object{
		"resource":     object{"attributes": []any{text("service.name", "hydra-canary")}},
		"scopeMetrics": []any{object{"metrics": []any{metric}}},
	}}}
}

func (v *verifier) read(ctx context.Context) error {
	found, err := v.metrics.Query(ctx, fmt.Sprintf(`hydra_canary{run=%q}`, v.run))
	if err != nil {
		return err
	}
	if len(found) != 1 || found[0].Value != 1 {
		return fmt.Errorf("read the pushed value: Prometheus has %d of them, want 1", len(found))
	}
	return nil
}

// up asks whether every target of a job answers.
func (v *verifier) up(ctx context.Context, job string) error {
	found, err := v.metrics.Query(ctx, fmt.Sprintf(`up{job=%q}`, job))
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("scrape %s: it has no target yet", job)
	}
	var down []string
	for _, s := range found {
		if s.Value != 1 {
			down = append(down, s.Labels["instance"])
		}
	}
	if len(down) > 0 {
		return fmt.Errorf("scrape %s: no answer from %s", job, strings.Join(down, ", "))
	}
	return nil
}
