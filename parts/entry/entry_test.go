// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/hydra-platform/hydra/parts/entry/translate"
)

// TestEntry runs the real Caddy. It is one for each process, so the cases
// share it and run one after the other.
func TestEntry(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	e, err := newEntry(translate.Options{
		Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0", DataDir: filepath.Join(t.TempDir(), "entry"), Hold: 3 * time.Second,
	}, zerolog.Nop())
	require.NoError(t, err)
	require.NoError(t, e.start())
	t.Cleanup(func() { require.NoError(t, caddy.Stop()) })

	for name, test := range map[string]func(*testing.T, *entry){
		"UnknownHost":             unknownHost,
		"HoldsUntilReady":         holdsUntilReady,
		"NoInstance":              noInstance,
		"RollingUpdate":           rollingUpdate,
		"ListenerClosesFirst":     listenerClosesFirst,
		"NeverSent":               neverSent,
		"KeepsHost":               keepsHost,
		"RouteChangeKeepsWaiting": routeChangeKeepsWaiting,
		"RoutesChangeUnderLoad":   routesChangeUnderLoad,
		"OneBadRoute":             oneBadRoute,
		"MetricsPerHost":          metricsPerHost,
		"TakenPort":               takenPort,
	} {
		t.Run(name, func(t *testing.T) {
			load(t, e, route("shop", "web"))
			e.table.Set("hydra-acme/web", nil)
			test(t, e)
		})
	}
	left, err := os.ReadDir(home)
	require.NoError(t, err)
	require.Empty(t, left, "Caddy wrote outside its data directory")
}

func unknownHost(t *testing.T, e *entry) {
	status, body := get(t, e, "nobody.localhost", "/")
	require.Equal(t, 404, status)
	require.Contains(t, body, "No app answers at nobody.localhost.")
}

func holdsUntilReady(t *testing.T, e *entry) {
	answered := make(chan string, 1)
	go func() {
		_, body := get(t, e, "shop.localhost", "/")
		answered <- body
	}()
	inFlight(t, e, 1)
	start := time.Now()
	e.table.Set("hydra-acme/web", instance(t, "first"))
	require.Equal(t, "first", <-answered)
	require.Less(t, time.Since(start), time.Second)
}

func noInstance(t *testing.T, e *entry) {
	start := time.Now()
	status, body := get(t, e, "shop.localhost", "/")
	require.Equal(t, 503, status)
	require.Contains(t, body, "No instance of the app at shop.localhost took the request within 3s.")
	require.InDelta(t, 3, time.Since(start).Seconds(), 1)
}

// sentence is the body that has to arrive whole, at whichever attempt.
const sentence = "a body that has to arrive whole"

// rollingUpdate replaces every instance again and again under load, the way
// a Deployment does whose pods wait a moment before they stop: the address
// goes first, then the listener.
func rollingUpdate(t *testing.T, e *entry) {
	current := newInstance(t, "v0")
	e.table.Set("hydra-acme/web", current.ports())
	underLoad(t, e, []string{http.MethodGet, http.MethodPost}, 5, func(i int, passed func(eachWorker int64)) {
		next := newInstance(t, fmt.Sprint("v", i+1))
		e.table.Set("hydra-acme/web", next.ports())
		passed(2) // those under way have ended
		current.stop(t)
		current = next
	})
}

// listenerClosesFirst is the same for instances that stop at once. A server
// that stops drops requests that it has only just read, so that no proxy can
// know what became of them; those that may be sent twice must not fail.
func listenerClosesFirst(t *testing.T, e *entry) {
	current := newInstance(t, "v0")
	e.table.Set("hydra-acme/web", current.ports())
	underLoad(t, e, []string{http.MethodGet}, 10, func(i int, _ func(int64)) {
		next := newInstance(t, fmt.Sprint("v", i+1))
		current.stop(t) // requests now meet a closed port
		e.table.Set("hydra-acme/web", next.ports())
		current = next
	})
}

// neverSent sends bodies to a port where nobody listens, then to one where
// somebody does.
func neverSent(t *testing.T, e *entry) {
	gone := newInstance(t, "gone")
	gone.stop(t)
	e.table.Set("hydra-acme/web", gone.ports())
	answered := make(chan string, 1)
	go func() {
		_, text, err := do(e, http.MethodPost, "shop.localhost", "/", strings.NewReader(sentence))
		answered <- fmt.Sprint(text, err)
	}()
	inFlight(t, e, 1)
	e.table.Set("hydra-acme/web", instance(t, "there"))
	require.Equal(t, "there<nil>", <-answered)
}

// keepsHost sees that the app gets the Host that the client sent.
func keepsHost(t *testing.T, e *entry) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	e.table.Set("hydra-acme/web", map[int32][]string{80: {l.Addr().String()}})
	_, body := get(t, e, "shop.localhost", "/")
	require.Equal(t, "shop.localhost:"+port(e), body)
}

// routesChangeUnderLoad loads new routes again and again.
func routesChangeUnderLoad(t *testing.T, e *entry) {
	e.table.Set("hydra-acme/web", instance(t, "steady"))
	underLoad(t, e, []string{http.MethodGet, http.MethodPost}, 20, func(i int, _ func(int64)) {
		load(t, e, route("shop", "web"), route(fmt.Sprint("other-", i), "web"))
	})
}

// underLoad makes changes while requests are sent, and none may fail.
func underLoad(t *testing.T, e *entry, methods []string, changes int, change func(i int, passed func(eachWorker int64))) {
	t.Helper()
	const workers = 8
	var done [workers]atomic.Int64 // by worker
	var sent, failed atomic.Int64
	var firstFailure atomic.Value
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				method, body := methods[(i+n)%len(methods)], io.Reader(nil)
				if method == http.MethodPost {
					body = strings.NewReader(sentence)
				}
				status, text, err := do(e, method, "shop.localhost", "/", body)
				sent.Add(1)
				done[i].Add(1)
				if err != nil || status != 200 {
					failed.Add(1)
					firstFailure.CompareAndSwap(nil, fmt.Sprint(method, " ", status, " ", text, " ", err))
				}
			}
		})
	}
	passed := func(requests int64) {
		for w := range workers {
			at := done[w].Load()
			require.Eventually(t, func() bool { return done[w].Load() >= at+requests }, 20*time.Second, time.Millisecond)
		}
	}
	for i := range changes {
		passed(3)
		change(i, passed)
	}
	passed(3)
	close(stop)
	wg.Wait()
	require.Zero(t, failed.Load(), "of %d requests; the first: %v", sent.Load(), firstFailure.Load())
	t.Logf("%d requests over %d changes", sent.Load(), changes)
}

func routeChangeKeepsWaiting(t *testing.T, e *entry) {
	answered := make(chan string, 1)
	go func() {
		_, body := get(t, e, "shop.localhost", "/")
		answered <- body
	}()
	inFlight(t, e, 1)
	load(t, e, route("shop", "web"), route("blog", "web"))
	e.table.Set("hydra-acme/web", instance(t, "after the change"))
	require.Equal(t, "after the change", <-answered)
	status, body := get(t, e, "blog.localhost", "/")
	require.Equal(t, 200, status)
	require.Equal(t, "after the change", body)
}

func oneBadRoute(t *testing.T, e *entry) {
	e.table.Set("hydra-acme/web", instance(t, "good"))
	bad := route("bad", "web")
	// The API server would not let this name in; should another one get
	// past it and Caddy refuse it, nobody else may suffer.
	bad.Spec.Hostnames = []gateway.Hostname{"xn--a.localhost", "xn--\x80.localhost"}
	verdicts, err := e.load([]*gateway.HTTPRoute{bad, route("fine", "web")}, func(translate.Backend) bool { return true })
	require.NoError(t, err)
	accepted := map[string]bool{}
	for _, v := range verdicts {
		accepted[v.Route.Name] = v.Served()
	}
	require.Equal(t, map[string]bool{"bad": false, "fine": true}, accepted)
	status, _ := get(t, e, "fine.localhost", "/")
	require.Equal(t, 200, status)
}

func metricsPerHost(t *testing.T, e *entry) {
	e.table.Set("hydra-acme/web", instance(t, "counted"))
	_, _ = get(t, e, "shop.localhost", "/")
	for i := range 20 {
		_, _ = get(t, e, fmt.Sprintf("made-up-%d.localhost", i), "/")
	}
	r, err := http.Get("http://" + e.opts.MetricsListen + "/metrics")
	require.NoError(t, err)
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Contains(t, string(text), `caddy_http_requests_total{handler="subroute",host="shop.localhost",server="apps"}`)
	require.NotContains(t, string(text), "made-up")
}

func takenPort(t *testing.T, e *entry) {
	_, _, err := open(e.opts.Listen)
	require.ErrorContains(t, err, "choose another port")
}

// inFlight waits until n requests are inside Caddy.
func inFlight(t *testing.T, e *entry, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		r, err := http.Get("http://" + e.opts.MetricsListen + "/metrics")
		if err != nil {
			return false
		}
		defer func() { _ = r.Body.Close() }()
		text, err := io.ReadAll(r.Body)
		return err == nil && strings.Contains(string(text), fmt.Sprintf(`caddy_http_requests_in_flight{handler="subroute",host="shop.localhost",server="apps"} %d`, n))
	}, 3*time.Second, 10*time.Millisecond)
}

func port(e *entry) string {
	_, p, _ := net.SplitHostPort(e.opts.Listen)
	return p
}

func route(name, service string) *gateway.HTTPRoute {
	namespace, backendPort := gateway.Namespace(translate.GatewayNamespace), gateway.PortNumber(80)
	ref := gateway.HTTPBackendRef{}
	ref.Name, ref.Port = gateway.ObjectName(service), &backendPort
	return &gateway.HTTPRoute{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "hydra-acme"},
		Spec: gateway.HTTPRouteSpec{
			CommonRouteSpec: gateway.CommonRouteSpec{ParentRefs: []gateway.ParentReference{{Name: translate.GatewayName, Namespace: &namespace}}},
			Hostnames:       []gateway.Hostname{gateway.Hostname(name + ".localhost")},
			Rules:           []gateway.HTTPRouteRule{{BackendRefs: []gateway.HTTPBackendRef{ref}}},
		},
	}
}

func load(t *testing.T, e *entry, routes ...*gateway.HTTPRoute) {
	t.Helper()
	_, err := e.load(routes, func(translate.Backend) bool { return true })
	require.NoError(t, err)
}

// app is an instance of an app.
type app struct {
	srv     *http.Server
	address string
}

func newInstance(t *testing.T, text string) app {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	a := app{address: l.Addr().String(), srv: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method == http.MethodPost && string(body) != sentence {
			http.Error(w, fmt.Sprintf("got %q: %v", body, err), http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, text)
	})}}
	go func() { _ = a.srv.Serve(l) }()
	t.Cleanup(func() { _ = a.srv.Close() })
	return a
}

func instance(t *testing.T, text string) map[int32][]string {
	t.Helper()
	return newInstance(t, text).ports()
}

func (a app) ports() map[int32][]string { return map[int32][]string{80: {a.address}} }

// stop ends the instance as a well-behaved app does: no new connection, what
// is under way is finished.
func (a app) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, a.srv.Shutdown(t.Context()))
}

func get(t *testing.T, e *entry, host, path string) (int, string) {
	t.Helper()
	status, body, err := do(e, http.MethodGet, host, path, nil)
	if err != nil {
		t.Error(err)
	}
	return status, body
}

func do(e *entry, method, host, path string, body io.Reader) (int, string, error) {
	r, err := http.NewRequest(method, "http://"+e.opts.Listen+path, body)
	if err != nil {
		return 0, "", err
	}
	r.Host = net.JoinHostPort(host, port(e))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}
