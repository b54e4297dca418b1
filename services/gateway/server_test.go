// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/gateway"
)

func TestErrorsAreProblemsEverywhere(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *gateway.Config, _ *service.Deps) { c.BodyLimit = 1 << 10 })
	b.project("acme")
	json := http.Header{"Content-Type": {"application/json"}}
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		detail             string
	}{
		"UnknownRoute":   {"GET", "/api/v1/nothing", "", 404, "/openapi.json"},
		"UnknownVersion": {"GET", "/api/v2/projects", "", 404, "/openapi.json"},
		"OtherMethod":    {"PATCH", "/api/v1/projects", "", 405, "use GET, HEAD, POST"},
		"PostToThePage":  {"POST", "/projects/acme", "", 405, "use GET"},
		"HookByGet":      {"GET", "/hooks/acme/w1", "", 405, "use POST"},
		"NotJSON":        {"POST", "/api/v1/projects", "{", 400, ""},
		"TooLarge":       {"POST", "/api/v1/projects", `{"name":"` + strings.Repeat("a", 2000) + `"}`, 413, "too large"},
		"OtherType":      {"POST", "/api/v1/projects", `{"name":7}`, 422, ""},
		"UnknownQuery":   {"GET", "/api/v1/projects?limmit=3", "", 422, ""},
		"BadLimit":       {"GET", "/api/v1/projects?limit=0", "", 422, ""},
		"BadProject":     {"GET", "/api/v1/projects/A.b/apps", "", 422, ""},
	} {
		p := b.send(tc.method, tc.path, b.admin, json, []byte(tc.body)).problem(tc.status)
		require.Contains(t, p.Detail, tc.detail, name)
	}
	a := b.send("PATCH", "/api/v1/projects", b.admin, nil, nil)
	require.Equal(t, "GET, HEAD, POST", a.header.Get("Allow"))
}

func TestEveryAnswerCarriesItsHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/", "/api/v1/projects", "/livez", "/api/v1/nothing"} {
		a := b.send(http.MethodGet, path, "", nil, nil)
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"), path)
		require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'self'", path)
		require.NotEmpty(t, a.header.Get("X-Request-Id"), path)
		require.Empty(t, a.header.Get("Access-Control-Allow-Origin"), path)
		require.NotContains(t, string(a.body), "$schema")
	}
}

func TestReadyzFollowsJetStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, http.StatusOK, b.send(http.MethodGet, "/readyz", "", nil, nil).status)
	b.js.Conn().Close()
	b.send(http.MethodGet, "/readyz", "", nil, nil).problem(http.StatusServiceUnavailable)
	require.Equal(t, http.StatusOK, b.send(http.MethodGet, "/livez", "", nil, nil).status)
	p := b.call(http.MethodGet, "/projects", nil)
	p.problem(http.StatusServiceUnavailable)
}

func TestListenerMayBeGiven(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := setup(t, func(c *gateway.Config, _ *service.Deps) { c.Listener = l })
	require.Equal(t, "http://"+l.Addr().String(), b.url)
}

func TestPlatformShowsPartsFlowAndTypes(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *gateway.Config, _ *service.Deps) {
		c.Routes = gateway.Unit.Routes
		c.Parts = func(context.Context) []gateway.Part {
			return []gateway.Part{{Name: "jetstream", State: "ready", Ready: 0.2}}
		}
	})
	var platform gateway.Platform
	b.get("/platform", &platform)
	require.Equal(t, "test", platform.Version)
	require.Equal(t, "jetstream", platform.Parts[0].Name)
	var flow gateway.Flow
	b.get("/flow", &flow)
	require.Contains(t, flow.Routes, gateway.FlowRoute{Unit: "gateway", In: "project.created", Out: []string{}})
	var types gateway.List[gateway.EventType]
	b.get("/types", &types)
	require.Contains(t, types.Items, gateway.EventType{
		Name: "build.finished", Type: "dev.cdevents.build.finished.0.3.0", Noun: "build", Verb: "finished", Version: "0.3.0", Standard: true,
	})
}

func TestPageIsServedWithItsOwnRoutes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	root := b.send(http.MethodGet, "/", "", nil, nil)
	require.Equal(t, http.StatusOK, root.status)
	require.Contains(t, root.header.Get("Content-Type"), "text/html")
	require.Equal(t, "no-cache", root.header.Get("Cache-Control"))
	require.Equal(t, root.body, b.send(http.MethodGet, "/projects/acme/apps/shop", "", nil, nil).body)
	fresh := b.send(http.MethodGet, "/", "", http.Header{"If-None-Match": {root.header.Get("ETag")}}, nil)
	require.Equal(t, http.StatusNotModified, fresh.status)
	b.send(http.MethodGet, "/assets/gone.js", "", nil, nil).problem(http.StatusNotFound)
	// A path cannot leave the embedded folder.
	require.Equal(t, root.body, b.send(http.MethodGet, "/..%2f..%2fui.go", "", nil, nil).body)
}
