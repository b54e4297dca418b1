// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/auth"
	"github.com/hydra-platform/hydra/services/gateway"
)

// operation is one method and path of the OpenAPI document, with its path's
// values filled in.
type operation struct{ method, template, path string }

func (b *bundle) operations(project string) []operation {
	b.t.Helper()
	fill := strings.NewReplacer("{project}", project, "{app}", "shop", "{id}", "b0123456789ab", "{revision}", "1", "{correlation}", "x")
	var out []operation
	for template, item := range b.api.doc["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			path := fill.Replace(template)
			if strings.HasPrefix(template, "/api/v1/tokens/") {
				path = "/api/v1/tokens/0123456789abcdef"
			}
			out = append(out, operation{strings.ToUpper(method), template, path})
		}
	}
	require.Greater(b.t, len(out), 40)
	return out
}

func TestEveryRouteAsksForAToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.app("acme", "shop", "https://github.com/acme/shop", "main")
	before := len(b.events())
	open := map[string]bool{"/livez": true, "/readyz": true, "/openapi.json": true}
	for _, o := range b.operations("acme") {
		switch a := b.send(o.method, o.path, "", nil, []byte("{}")); {
		case open[o.template]:
			require.Equal(t, http.StatusOK, a.status, o.path)
		case strings.HasPrefix(o.template, "/hooks/"):
			a.problem(http.StatusNotFound) // its own way to know the caller
		default:
			a.problem(http.StatusUnauthorized)
			require.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer", o.path)
		}
	}
	require.Len(t, b.events(), before)
}

func TestNoRouteOpensAnotherProject(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine := b.project("mine")
	b.project("theirs")
	b.app("theirs", "shop", "https://github.com/theirs/shop", "main")
	put(b, record.Builds, "theirs.shop.b0123456789ab", record.Build{ID: "b0123456789ab", Project: "theirs", App: "shop"})
	before := len(b.events())
	for _, o := range b.operations("theirs") {
		a := b.send(o.method, o.path, mine, http.Header{"Content-Type": {"application/json"}}, []byte("{}"))
		switch {
		case strings.Contains(o.template, "{project}") && strings.HasPrefix(o.template, "/api/"):
			require.Regexp(t, `may not use project "theirs"|is not an admin's`, a.problem(http.StatusForbidden).Detail, o.path)
		case strings.HasPrefix(o.template, "/hooks/"):
			a.problem(http.StatusNotFound)
		default:
			require.NotContains(t, string(a.body), "theirs", "%s %s", o.method, o.path)
		}
	}
	// The answer does not tell whether a project exists.
	b.callAs(mine, http.MethodGet, "/projects/nobody", nil).problem(http.StatusForbidden)
	require.Len(t, b.events(), before, "nothing was written")
}

func TestOnlyAdminsManageThePlatform(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dev := b.project("acme")
	for _, tc := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, "/projects", map[string]any{"name": "more"}},
		{http.MethodDelete, "/projects/acme", nil},
		{http.MethodGet, "/tokens", nil},
		{http.MethodPost, "/tokens", map[string]any{"name": "x", "admin": true}},
		{http.MethodDelete, "/tokens/0123456789abcdef", nil},
		{http.MethodGet, "/clusters/plans", nil},
		{http.MethodPost, "/clusters/plans", map[string]any{"spec": "name: x"}},
	} {
		b.callAs(dev, tc.method, tc.path, tc.body).problem(http.StatusForbidden)
	}
	b.send(http.MethodGet, "/metrics", dev, nil, nil).problem(http.StatusForbidden)
}

func TestTokenIsShownOnceAndRevokedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	var created struct{ ID, Name, Secret string }
	b.call(http.MethodPost, "/tokens", map[string]any{"name": "ci", "projects": []string{"acme"}}).into(&created)
	require.Equal(t, http.StatusOK, b.callAs(created.Secret, http.MethodGet, "/projects/acme", nil).status)

	listed := b.call(http.MethodGet, "/tokens", nil)
	require.Contains(t, string(listed.body), created.ID)
	require.NotContains(t, string(listed.body), created.Secret)
	for _, e := range b.events("token.created") {
		data, err := json.Marshal(e.Event)
		require.NoError(t, err)
		require.NotContains(t, string(data), created.Secret)
	}
	require.Equal(t, http.StatusNoContent, b.call(http.MethodDelete, "/tokens/"+created.ID, nil).status)
	b.callAs(created.Secret, http.MethodGet, "/projects/acme", nil).problem(http.StatusUnauthorized)
	b.call(http.MethodDelete, "/tokens/"+created.ID, nil).problem(http.StatusNotFound)
	require.Equal(t, created.ID, decode[events.TokenRevoked](t, b.events("token.revoked")[0]).ID)
}

func TestTokenRequestIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	for name, body := range map[string]map[string]any{
		"NoScope":        {"name": "x"},
		"BothScopes":     {"name": "x", "admin": true, "projects": []string{"acme"}},
		"UnknownProject": {"name": "x", "projects": []string{"acme", "nobody"}},
		"NoName":         {"projects": []string{"acme"}},
	} {
		b.call(http.MethodPost, "/tokens", body).problem(http.StatusUnprocessableEntity)
		_ = name
	}
}

func TestTokensThatDoNotWork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	expired := auth.NewToken()
	put(b, record.Tokens, auth.Fingerprint(expired), record.Token{Name: "old", Admin: true, ExpiresAt: time.Now().Add(-time.Minute)})
	for name, tc := range map[string]struct{ header, detail string }{
		"Missing":    {"", "a token is needed"},
		"OtherWord":  {"Basic " + b.admin, "a token is needed"},
		"Empty":      {"Bearer ", "a token is needed"},
		"Unknown":    {"Bearer hydra_guess", "not known"},
		"Expired":    {"Bearer " + expired, "expired on"},
		"Hash":       {"Bearer " + auth.Fingerprint(b.admin), "not known"},
		"NATSFilter": {"Bearer >", "not known"},
	} {
		header := http.Header{}
		if tc.header != "" {
			header.Set("Authorization", tc.header)
		}
		p := b.send(http.MethodGet, "/api/v1/projects", "", header, nil).problem(http.StatusUnauthorized)
		require.Contains(t, p.Detail, tc.detail, name)
	}
	require.Equal(t, 1.0, b.counted("hydra_gateway_auth_refused_total", "reason=expired"))
	require.Equal(t, 3.0, b.counted("hydra_gateway_auth_refused_total", "reason=missing"))
	require.Equal(t, 3.0, b.counted("hydra_gateway_auth_refused_total", "reason=unknown"))
}

func TestBootstrapRefusesAGuessableToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.ErrorContains(t, gateway.Bootstrap(b.ctx, b.js, "short"), "at least 16 characters")
}
