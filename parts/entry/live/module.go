// SPDX-License-Identifier: Apache-2.0

package live

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

const hostVar = "hydra_entry_host"

// matcher is the Caddy module http.matchers.hydra_hosts. An unknown host ends
// in Caddy's error routes with 404, before it can become a label of a metric.
// For the same reason a known one goes on as its plain name, without the port;
// the handler gives the request its own Host back.
type matcher struct{ routes *Routes }

// CaddyModule implements caddy.Module.
func (m *matcher) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.matchers.hydra_hosts", New: func() caddy.Module { return &matcher{routes: m.routes} }}
}

// MatchWithError implements caddyhttp.RequestMatcherWithError.
func (m *matcher) MatchWithError(r *http.Request) (bool, error) {
	m.routes.mu.Lock()
	g := m.routes.current
	m.routes.mu.Unlock()
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if g != nil {
		if name, ok := g.name(strings.ToLower(host)); ok {
			caddyhttp.SetVar(r.Context(), hostVar, r.Host)
			r.Host = name
			return true, nil
		}
	}
	return false, caddyhttp.Error(http.StatusNotFound, errors.New("unknown host"))
}

// handler is the Caddy module http.handlers.hydra_routes.
type handler struct{ routes *Routes }

// CaddyModule implements caddy.Module.
func (h *handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.hydra_routes", New: func() caddy.Module { return &handler{routes: h.routes} }}
}

// Provision implements caddy.Provisioner.
func (h *handler) Provision(ctx caddy.Context) error {
	h.routes.mu.Lock()
	defer h.routes.mu.Unlock()
	h.routes.caddy, h.routes.started = ctx, true
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if host, ok := caddyhttp.GetVar(r.Context(), hostVar).(string); ok {
		r.Host = host
	}
	g := h.routes.enter()
	if g == nil {
		return next.ServeHTTP(w, r)
	}
	defer h.routes.leave(g)
	return g.handler.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		// The host was taken away between matcher and handler.
		return caddyhttp.Error(http.StatusNotFound, errors.New("unknown host"))
	}))
}

var (
	_ caddyhttp.RequestMatcherWithError = (*matcher)(nil)
	_ caddy.Provisioner                 = (*handler)(nil)
	_ caddyhttp.MiddlewareHandler       = (*handler)(nil)
)
