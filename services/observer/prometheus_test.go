// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	promclient "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/libs/kube/kubetest"
	"github.com/hydra-platform/hydra/services/observer/prometheus"
)

// entry shows the metrics of the HTTP entry as Caddy names them. Its counters
// may begin anew, as when the entry is started again.
type entry struct {
	server  *httptest.Server
	current atomic.Pointer[entryMetrics]
}

type entryMetrics struct {
	handler  http.Handler
	duration *promclient.HistogramVec
}

func newEntry(t *testing.T, listen string) *entry {
	t.Helper()
	e := &entry{}
	e.restart()
	l, err := net.Listen("tcp", listen)
	require.NoError(t, err)
	e.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.current.Load().handler.ServeHTTP(w, r) }))
	require.NoError(t, e.server.Listener.Close())
	e.server.Listener = l
	e.server.Start()
	t.Cleanup(e.server.Close)
	return e
}

func (e *entry) restart() {
	registry := promclient.NewRegistry()
	m := &entryMetrics{
		handler:  promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		duration: promclient.NewHistogramVec(promclient.HistogramOpts{Name: "caddy_http_request_duration_seconds", Buckets: promclient.DefBuckets}, []string{"server", "handler", "host", "code", "method"}),
	}
	registry.MustRegister(m.duration)
	e.current.Store(m)
}

// request counts one as Caddy does: for the outermost route and once more for
// the route inside.
func (e *entry) request(host, code string, seconds float64) {
	for _, handler := range []string{"subroute", "reverse_proxy"} {
		e.current.Load().duration.WithLabelValues("apps", handler, host, code, "GET").Observe(seconds)
	}
}

// drive makes 40 requests per second until the test ends, a quarter of which
// fail; half come with a port in their host name.
func (e *entry) drive(t *testing.T) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				e.request("shop.acme.localhost", "200", 0.02)
				e.request("shop.acme.localhost", "500", 0.02)
				e.request("shop.acme.localhost:7080", "200", 0.02)
				e.request("shop.acme.localhost:7080", "201", 0.4)
				e.request("_other", "404", 0.001)
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped })
}

// run starts a program of bin/ until the test ends.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	program, ok := kubetest.Binary(name)
	if !ok {
		t.Skipf("bin/%s is not built; run `make build`", name)
	}
	cmd := exec.Command(program, args...)
	log, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("%s said:\n%s", name, said)
		}
		_ = log.Close()
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func startPrometheus(t *testing.T, scrape string) string {
	t.Helper()
	dir, address := t.TempDir(), freePort(t)
	file := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n  - job_name: hydra-entry\n    static_configs: [{targets: [%q]}]\n", scrape), 0o600))
	run(t, "prometheus", "--config.file="+file, "--storage.tsdb.path="+dir+"/data", "--web.listen-address="+address, "--web.enable-otlp-receiver", "--log.level=warn")
	return "http://" + address
}

// TestRequestsAreMeasured asks a real Prometheus about a target that behaves
// like the entry.
func TestRequestsAreMeasured(t *testing.T) {
	t.Parallel()
	e := newEntry(t, "127.0.0.1:0")
	e.drive(t)
	url := startPrometheus(t, e.server.Listener.Addr().String())
	client, err := prometheus.New(url, nil)
	require.NoError(t, err)
	cfg := DefaultConfig()
	cfg.RequestWindow = 5 * time.Second
	q := newQueries(cfg)
	key := appKey{"acme", "shop"}
	measure := func() (snapshot, bool) {
		shot, err := q.ask(t.Context(), client)
		return shot, err == nil
	}
	within := func(rate float64) bool { return rate > 20 && rate < 60 }
	require.Eventually(t, func() bool {
		shot, ok := measure()
		l := shot.load(key, "shop.acme.localhost", onePod{1}, cfg.RequestWindow, time.Now())
		return ok && shot.haveRequests && within(l.Requests) && l.Errors > 0.2 && l.Errors < 0.3 && l.LatencyP95 > 0.1 && l.LatencyP95 < 0.5 && l.LatencyP50 < 0.05 && l.LatencyP50 > 0
	}, 60*time.Second, 200*time.Millisecond)
	shot, _ := measure()
	require.NotContains(t, shot.requests, "_other")
	require.False(t, shot.haveUsage, "nobody scrapes a kubelet here")

	// The entry starts again and its counters with it: no rate falls below
	// nothing or jumps.
	e.restart()
	for range 15 {
		shot, ok := measure()
		require.True(t, ok)
		require.GreaterOrEqual(t, shot.requests["shop.acme.localhost"], 0.0)
		require.Less(t, shot.requests["shop.acme.localhost"], 80.0)
		select {
		case <-t.Context().Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
	// The entry is gone: that is not the same as no requests.
	e.server.Close()
	require.Eventually(t, func() bool { shot, ok := measure(); return ok && !shot.haveRequests }, 30*time.Second, 200*time.Millisecond)
}

// TestAValueGoesThroughTheCollector is the canary with the real programs.
func TestAValueGoesThroughTheCollector(t *testing.T) {
	t.Parallel()
	url := startPrometheus(t, "127.0.0.1:1")
	otlp, health := freePort(t), freePort(t)
	file := filepath.Join(t.TempDir(), "collector.yaml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `
receivers: {otlp: {protocols: {http: {endpoint: %q}}}}
processors: {memory_limiter: {check_interval: 1s, limit_mib: 150}, batch: {timeout: 200ms}}
exporters: {otlp_http/prometheus: {endpoint: %q}}
extensions: {health_check: {endpoint: %q}}
service:
  extensions: [health_check]
  telemetry: {metrics: {level: none}}
  pipelines: {metrics: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_http/prometheus]}}
`, otlp, url+"/api/v1/otlp", health), 0o600))
	run(t, "collector", "--config="+file)
	client, err := prometheus.New(url, nil)
	require.NoError(t, err)
	v := &verifier{metrics: client, collector: "http://" + otlp, transport: http.DefaultTransport, run: "canary-1", now: time.Now}
	require.Eventually(t, func() bool { return v.push(t.Context()) == nil }, 30*time.Second, 200*time.Millisecond)
	require.Eventually(t, func() bool { return v.read(t.Context()) == nil }, 30*time.Second, 200*time.Millisecond)
	v.run = "canary-2"
	require.ErrorContains(t, v.read(t.Context()), "want 1")
	require.Eventually(t, func() bool {
		err := v.up(t.Context(), jobEntry)
		return err != nil && strings.Contains(err.Error(), "no answer from 127.0.0.1:1")
	}, 30*time.Second, 200*time.Millisecond)
}
