// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/hydra-platform/hydra/services/observer/prometheus"
)

// Metrics is what answers the queries.
type Metrics interface {
	Query(ctx context.Context, expression string) ([]prometheus.Sample, error)
}

var _ Metrics = (*prometheus.Client)(nil)

// Jobs of the telemetry set that apps are measured by.
const (
	jobEntry   = "hydra-entry"   // the HTTP entry: requests
	jobKubelet = "hydra-kubelet" // the nodes' kubelets: CPU and memory
)

// queries are asked once for all apps together, whatever their number.
type queries struct {
	entry, kubelet string // how many good scrapes there were in the window, 0 when the newest was bad
	requests       string // by name and code
	p50, p95       string // by name
	cpu, memory    string // by namespace and pod
}

// newQueries writes the expressions. A rate copes with counters that begin
// anew; the entry's host may carry a port, which is not part of an app's name.
func newQueries(cfg *Config) queries {
	request, usage := seconds(cfg.RequestWindow), seconds(cfg.UsageWindow)
	named := func(series string) string {
		return fmt.Sprintf(`label_replace(rate(%s{job=%q,%s,host!="_other"}[%s]), "name", "$1", "host", "([^:]*)(?::[0-9]+)?")`, series, jobEntry, cfg.EntryMatcher, request)
	}
	quantile := func(q string) string {
		return fmt.Sprintf(`histogram_quantile(%s, sum by (name, le) (%s))`, q, named("caddy_http_request_duration_seconds_bucket"))
	}
	up := func(job, window string) string {
		return fmt.Sprintf(`sum by (job) (sum_over_time(up{job=%[1]q}[%[2]s]) * up{job=%[1]q})`, job, window)
	}
	return queries{
		entry: up(jobEntry, request), kubelet: up(jobKubelet, usage),
		requests: fmt.Sprintf(`sum by (name, code) (%s)`, named("caddy_http_request_duration_seconds_count")),
		p50:      quantile("0.5"), p95: quantile("0.95"),
		cpu:    fmt.Sprintf(`sum by (namespace, pod) (rate(pod_cpu_usage_seconds_total{job=%q,namespace=~"hydra-.+"}[%s]))`, jobKubelet, usage),
		memory: fmt.Sprintf(`sum by (namespace, pod) (pod_memory_working_set_bytes{job=%q,namespace=~"hydra-.+"})`, jobKubelet),
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.0fs", d.Seconds()) }

// snapshot is what all apps do at one moment.
type snapshot struct {
	haveRequests, haveUsage bool

	requests, errors map[string]float64 // per second, by host name
	p50, p95         map[string]float64 // seconds, by host name
	cpu, memory      map[string]float64 // by namespace/pod
}

// ask runs the queries. It says what it could not find out instead of taking
// silence for no load: two good scrapes make a rate.
func (q queries) ask(ctx context.Context, m Metrics) (s snapshot, err error) {
	byName := func(l map[string]string) string { return strings.ToLower(l["name"]) }
	byPod := func(l map[string]string) string { return l["namespace"] + "/" + l["pod"] }
	scrapes := func(expression string) (bool, error) {
		v, err := collect(ctx, m, expression, func(map[string]string) string { return "" })
		return v[""] >= 2, err
	}
	if s.haveRequests, err = scrapes(q.entry); err != nil {
		return s, err
	}
	if s.haveUsage, err = scrapes(q.kubelet); err != nil {
		return s, err
	}
	samples, err := m.Query(ctx, q.requests)
	if err != nil {
		return s, err
	}
	s.requests, s.errors = map[string]float64{}, map[string]float64{}
	for _, x := range samples {
		if bad(x.Value) {
			continue
		}
		s.requests[byName(x.Labels)] += x.Value
		if strings.HasPrefix(x.Labels["code"], "5") {
			s.errors[byName(x.Labels)] += x.Value
		}
	}
	for _, part := range []struct {
		into       *map[string]float64
		expression string
		key        func(map[string]string) string
	}{{&s.p50, q.p50, byName}, {&s.p95, q.p95, byName}, {&s.cpu, q.cpu, byPod}, {&s.memory, q.memory, byPod}} {
		if *part.into, err = collect(ctx, m, part.expression, part.key); err != nil {
			return s, err
		}
	}
	return s, nil
}

func collect(ctx context.Context, m Metrics, expression string, key func(map[string]string) string) (map[string]float64, error) {
	samples, err := m.Query(ctx, expression)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for _, x := range samples {
		if !bad(x.Value) {
			out[key(x.Labels)] += x.Value
		}
	}
	return out, nil
}

// bad is a quantile of nothing, or a sum that cannot be.
func bad(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) || v < 0 }
