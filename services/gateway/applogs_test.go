// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// cluster answers the two requests that logs need as an API server does.
type cluster struct {
	t    *testing.T
	path string // of the kubeconfig

	mu       sync.Mutex
	pods     []corev1.Pod        // guarded by mu
	lines    map[string][]string // guarded by mu
	asked    []string            // guarded by mu: queries of list and log
	released chan struct{}       // closed to let followed logs end
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, lines: map[string][]string{}, released: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/hydra-acme/pods", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked = append(c.asked, r.URL.Query().Get("labelSelector"))
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Items: c.pods})
	})
	mux.HandleFunc("GET /api/v1/namespaces/hydra-acme/pods/{pod}/log", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		lines, known := c.lines[r.PathValue("pod")]
		c.asked = append(c.asked, r.URL.RawQuery)
		c.mu.Unlock()
		if !known {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(metav1.Status{Status: "Failure", Code: 400, Message: "container is waiting to start", Reason: metav1.StatusReasonBadRequest})
			return
		}
		for i, l := range lines {
			_, _ = fmt.Fprintf(w, "2026-05-04T15:00:0%d.5Z %s\n", i, l)
		}
		if r.URL.Query().Get("follow") == "true" {
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-c.released:
			}
		}
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(c.released) })
	c.path = filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(c.path, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {}}]
current-context: c
`, srv.URL), 0o600))
	return c
}

func (c *cluster) pod(name string, state corev1.ContainerState, lines ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pods = append(c.pods, corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "hydra-acme", UID: types.UID("uid-" + name), CreationTimestamp: metav1.Unix(int64(1000+len(c.pods)), 0)},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "main", State: state}}},
	})
	if lines != nil {
		c.lines[name] = lines
	}
}

var running = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}} //nolint:gochecknoglobals // a constant that Go cannot express

func TestAppLogsOfAllPods(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	b := setup(t, withKube(c.path))
	b.project("acme")
	b.app("acme", "shop", "", "")
	require.Contains(t, string(b.call(http.MethodGet, "/projects/acme/apps/shop/logs", nil).body), "no pod of shop")
	c.pod("shop-a", running, "GET /", "GET /cart")
	c.pod("shop-b", running, "started")
	c.pod("shop-c", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}})
	text := b.call(http.MethodGet, "/projects/acme/apps/shop/logs?tail=7&component=web", nil)
	require.Equal(t, "shop-a GET /\nshop-a GET /cart\nshop-b started\nshop-c (no log: ImagePullBackOff no such image)\n", string(text.body))
	c.mu.Lock()
	asked := strings.Join(c.asked, "\n")
	c.mu.Unlock()
	require.Contains(t, asked, "hydra.dev/project=acme,hydra.dev/app=shop,hydra.dev/component=web")
	require.Contains(t, asked, "tailLines=7")

	b.call(http.MethodGet, "/projects/acme/apps/till/logs", nil).problem(http.StatusNotFound)
	b.call(http.MethodGet, "/projects/acme/apps/shop/logs?component=a%2Cb", nil).problem(http.StatusUnprocessableEntity)
	b.call(http.MethodGet, "/projects/acme/apps/shop/logs?follow=true&previous=true", nil).problem(http.StatusUnprocessableEntity)
}

func TestAppLogsAreFollowedIntoPodsThatStartLater(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	b := setup(t, withKube(c.path))
	b.project("acme")
	b.app("acme", "shop", "", "")
	c.pod("shop-a", running, "GET /")
	f := b.follow("/projects/acme/apps/shop/logs?follow=true", b.admin, nil)
	m := f.next()
	require.Equal(t, "line", m.event)
	require.JSONEq(t, `{"time":"2026-05-04T15:00:00.5Z","pod":"shop-a","container":"main","text":"GET /"}`, m.data)
	c.pod("shop-b", running, "started")
	require.Contains(t, f.next().data, "shop-b")
	f.stop()
	require.Eventually(t, func() bool { return b.counted("hydra_gateway_streams", "kind=app_logs") == 0 }, patience, 10e6)
}

func TestAppLogsWithoutACluster(t *testing.T) {
	t.Parallel()
	b := setup(t, withKube(filepath.Join(t.TempDir(), "missing")))
	b.project("acme")
	b.app("acme", "shop", "", "")
	require.Contains(t, b.call(http.MethodGet, "/projects/acme/apps/shop/logs", nil).problem(http.StatusServiceUnavailable).Detail, "cannot be reached")
	b = setup(t)
	b.project("acme")
	b.app("acme", "shop", "", "")
	b.call(http.MethodGet, "/projects/acme/apps/shop/logs", nil).problem(http.StatusServiceUnavailable)
}
