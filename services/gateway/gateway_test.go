// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/auth"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/kube"
	"github.com/hydra-platform/hydra/libs/natsd/natsdtest"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/gateway"
)

const patience = 10 * time.Second

// bundle is a gateway that answers over HTTP on a JetStream of its own.
type bundle struct {
	t       *testing.T
	ctx     context.Context
	url     string
	admin   string
	js      jetstream.JetStream
	bus     *bus.Bus // the gateway's own
	metrics *prometheus.Registry
	peers   map[string]*bus.Bus // of other units
	api     *contract
	stop    func()
}

type option func(*gateway.Config, *service.Deps)

func setup(t *testing.T, options ...option) *bundle {
	t.Helper()
	_, nc := natsdtest.Start(t)
	b := &bundle{t: t, ctx: t.Context(), admin: auth.NewToken(), metrics: prometheus.NewRegistry()}
	var err error
	b.bus, err = bus.New(t.Context(), nc, bus.Options{Unit: "gateway", Log: zerolog.Nop(), Backoff: []time.Duration{time.Millisecond}, Drain: time.Second})
	require.NoError(t, err)
	b.js = b.bus.JetStream()
	// A new bus updates the streams. Once consumers come and go, the server
	// (2.14.5) has a data race between the two that is none of ours.
	b.peers = map[string]*bus.Bus{}
	for _, unit := range []string{"builder", "deployer", "provisioner"} {
		b.peers[unit], err = bus.New(t.Context(), nc, bus.Options{Unit: unit, Log: zerolog.Nop(), Drain: time.Second})
		require.NoError(t, err)
	}
	require.NoError(t, gateway.Bootstrap(t.Context(), b.js, b.admin))

	listening := make(chan net.Addr, 1)
	cfg := gateway.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	cfg.Wait = 2 * time.Second
	cfg.OnListen = func(a net.Addr) { listening <- a }
	deps := service.Deps{Bus: b.bus, Log: zerolog.Nop(), Metrics: b.metrics, Version: "test"}
	for _, o := range options {
		o(cfg, &deps)
	}
	require.NoError(t, cfg.Validate())
	s, err := gateway.New(cfg, deps)
	require.NoError(t, err)
	b.api = newContract(t, s.OpenAPI())

	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	router := bus.NewRouter("gateway")
	s.Register(router)
	failed := make(chan error, 2)
	running.Go(func() { failed <- b.bus.Run(ctx, router) })
	running.Go(func() { failed <- s.Run(ctx) })
	b.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		for range 2 {
			requireStopped(t, <-failed)
		}
	})
	t.Cleanup(b.stop)
	select {
	case a := <-listening:
		b.url = "http://" + a.String()
	case <-time.After(patience):
		t.Fatal("the gateway does not listen")
	}
	return b
}

// requireStopped takes nil, or that the end came before the beginning was done.
func requireStopped(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) {
		require.NoError(t, err)
	}
}

// answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (a answer) into(v any) {
	a.t.Helper()
	require.NoError(a.t, json.Unmarshal(a.body, v), string(a.body))
}

type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

// problem reads an RFC 9457 answer and makes sure that it is one.
func (a answer) problem(status int) problem {
	a.t.Helper()
	require.Equal(a.t, status, a.status, string(a.body))
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	var p problem
	a.into(&p)
	require.Equal(a.t, status, p.Status)
	require.NotEmpty(a.t, p.Title)
	return p
}

// send makes a request and checks the answer against the OpenAPI document.
func (b *bundle) send(method, path, token string, header http.Header, body []byte) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.ctx, method, b.url+path, bytes.NewReader(body))
	require.NoError(b.t, err)
	for name, values := range header {
		r.Header[name] = values
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(b.t, err)
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	b.api.check(b.t, method, path, res, data)
	return answer{b.t, res.StatusCode, res.Header, data}
}

// call sends v as JSON with the admin's token.
func (b *bundle) call(method, path string, v any) answer {
	b.t.Helper()
	return b.callAs(b.admin, method, path, v)
}

func (b *bundle) callAs(token, method, path string, v any) answer {
	b.t.Helper()
	var body []byte
	header := http.Header{}
	if v != nil {
		var err error
		body, err = json.Marshal(v)
		require.NoError(b.t, err)
		header.Set("Content-Type", "application/json")
	}
	return b.send(method, "/api/v1"+path, token, header, body)
}

func (b *bundle) get(path string, into any) {
	b.t.Helper()
	a := b.call(http.MethodGet, path, nil)
	require.Equal(b.t, http.StatusOK, a.status, string(a.body))
	a.into(into)
}

// project creates a project and returns a token for it.
func (b *bundle) project(name string) (token string) {
	b.t.Helper()
	a := b.call(http.MethodPost, "/projects", map[string]any{"name": name})
	require.Equal(b.t, http.StatusCreated, a.status, string(a.body))
	var created struct{ Secret string }
	a = b.call(http.MethodPost, "/tokens", map[string]any{"name": "dev of " + name, "projects": []string{name}})
	require.Equal(b.t, http.StatusCreated, a.status, string(a.body))
	a.into(&created)
	require.True(b.t, strings.HasPrefix(created.Secret, auth.TokenPrefix))
	return created.Secret
}

// put stores a record as the service that owns the bucket would.
func put[T any](b *bundle, bucket, key string, v T) {
	b.t.Helper()
	kv, err := store.Open[T](b.ctx, b.js, bucket)
	require.NoError(b.t, err)
	require.NoError(b.t, kv.Put(b.ctx, key, v))
}

func (b *bundle) app(project, name, repository, branch string) {
	b.t.Helper()
	put(b, record.Apps, record.Key(project, name), record.App{
		Name: name, Project: project, Repository: repository, Branch: branch, Status: record.AppHealthy, Revision: 2, Healthy: 2, UpdatedAt: time.Now().UTC(),
	})
}

// events returns what is in the stream under the given short names.
func (b *bundle) events(names ...string) []bus.Stored {
	b.t.Helper()
	var out []bus.Stored
	require.NoError(b.t, b.bus.History(b.ctx, bus.Query{Types: names}, func(s bus.Stored) error { out = append(out, s); return nil }))
	return out
}

func decode[T events.Payload](t *testing.T, s bus.Stored) T {
	t.Helper()
	var v T
	require.NoError(t, events.Decode(s.Event.Data(), &v))
	return v
}

// peer runs handlers of another unit on the same stream.
func (b *bundle) peer(unit string, register func(r *bus.Router, b *bus.Bus)) {
	b.t.Helper()
	other := b.peers[unit]
	router := bus.NewRouter(unit)
	register(router, other)
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan error, 1)
	go func() { done <- other.Run(ctx, router) }()
	b.t.Cleanup(func() { cancel(); requireStopped(b.t, <-done) })
}

// counted reads one series of a metric.
func (b *bundle) counted(name string, labels ...string) float64 {
	b.t.Helper()
	families, err := b.metrics.Gather()
	require.NoError(b.t, err)
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			has := map[string]bool{}
			for _, l := range m.GetLabel() {
				has[l.GetName()+"="+l.GetValue()] = true
			}
			all := true
			for _, l := range labels {
				all = all && has[l]
			}
			if all {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func withKube(path string) option {
	return func(_ *gateway.Config, d *service.Deps) { d.Kube = kube.NewLazy(path) }
}

func TestUnitDeclaresEverythingItEmits(t *testing.T) {
	t.Parallel()
	require.Equal(t, "gateway", gateway.Unit.Name)
	in, out := map[string]bool{}, map[string]bool{}
	for _, r := range gateway.Unit.Routes {
		in[r.In.Name()] = true
		for _, o := range r.Out {
			out[o.Name()] = true
		}
	}
	for _, name := range []string{"project.created", "project.deleted", "webhook.deleted", "token.revoked"} {
		require.True(t, in[name], name)
	}
	for _, name := range []string{
		"project.created", "project.deleted", "webhook.created", "webhook.deleted", "token.created", "token.revoked",
		"application.requested", "application.removalrequested", "change.merged", "build.requested",
		"rollback.requested", "scaling.requested", "infrastructure.planrequested",
	} {
		require.True(t, out[name], name)
	}
}

func TestConfigNamesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	require.NoError(t, gateway.DefaultConfig().Validate())
	for name, tc := range map[string]struct {
		change func(*gateway.Config)
		want   string
	}{
		"Listen":     {func(c *gateway.Config) { c.Listen = "7070" }, `listen "7070"`},
		"PublicURL":  {func(c *gateway.Config) { c.PublicURL = "hydra.example.com" }, "publicURL"},
		"BodyLimit":  {func(c *gateway.Config) { c.BodyLimit = 0 }, "bodyLimit 0"},
		"HookLimit":  {func(c *gateway.Config) { c.HookLimit = -1 }, "hookLimit -1"},
		"BatchLimit": {func(c *gateway.Config) { c.BatchLimit = 0 }, "batchLimit"},
		"Wait":       {func(c *gateway.Config) { c.Wait = time.Hour }, "wait 1h0m0s: want less than requestTimeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := gateway.DefaultConfig()
			tc.change(cfg)
			require.ErrorContains(t, cfg.Validate(), tc.want)
		})
	}
}

func TestRunSaysWhyItCannotListen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cfg := gateway.DefaultConfig()
	cfg.Listen = strings.TrimPrefix(b.url, "http://")
	s, err := gateway.New(cfg, service.Deps{Bus: b.bus, Log: zerolog.Nop()})
	require.NoError(t, err)
	require.ErrorContains(t, s.Run(b.ctx), "HYDRA_GATEWAY_LISTEN")
}

func TestRequestsAreMeasuredByRoute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.get("/projects", new(any))
	b.call(http.MethodGet, "/projects/nobody", nil).problem(http.StatusNotFound)
	require.Equal(t, 1.0, b.counted("hydra_gateway_http_requests_total", "route=GET /api/v1/projects", "method=GET", "code=200"))
	require.Equal(t, 1.0, b.counted("hydra_gateway_http_requests_total", "route=GET /api/v1/projects/{project}", "code=404"))
	require.Equal(t, 1.0, b.counted("hydra_gateway_http_request_duration_seconds", "route=GET /api/v1/projects"))
	problems, err := testutil.GatherAndLint(b.metrics)
	require.NoError(t, err)
	require.Empty(t, problems)
	text := b.send(http.MethodGet, "/metrics", b.admin, nil, nil)
	require.Contains(t, string(text.body), "hydra_gateway_http_in_flight 1", fmt.Sprint(text.status))
}
