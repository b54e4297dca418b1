// SPDX-License-Identifier: Apache-2.0

// Package live changes Caddy's routes without a restart of its servers.
//
// A new configuration of the whole of Caddy begins new servers and shuts the
// old ones down, and a Go server that shuts down closes connections whose
// request it has just read: under load some requests end without an answer.
// Counters begin anew, and requests that wait for an instance are given up.
// Here Caddy is configured once, with one handler that hands each request to
// the newest routes. They are loaded by Caddy's own module loader, and the
// ones before go when their last request has ended.
package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Routes holds the newest routes. It is safe for concurrent use.
type Routes struct {
	mu      sync.Mutex
	caddy   caddy.Context // guarded by mu; set when Caddy has started
	started bool          // guarded by mu
	current *generation   // guarded by mu
}

// generation is one set of routes.
type generation struct {
	hosts     map[string]bool
	wildcards []string // "*.example.com", longest first
	any       bool
	handler   caddyhttp.MiddlewareHandler

	users   int    // requests that use it, plus one while it is the newest
	discard func() // called when the last user has left
}

// Register makes the modules known to Caddy, once for each process.
func Register(r *Routes) {
	caddy.RegisterModule(&handler{routes: r})
	caddy.RegisterModule(&matcher{routes: r})
}

// Load takes the configuration of a handler "subroute" into use for the given
// hosts, or says why Caddy does not take it, in which case nothing changes.
// Caddy must have been started with the handler hydra_routes.
func (r *Routes) Load(hosts []string, config json.RawMessage) error {
	r.mu.Lock()
	ctx, started := r.caddy, r.started
	r.mu.Unlock()
	if !started {
		return errors.New("load routes: Caddy was not started")
	}
	g, err := load(ctx, config)
	if err != nil {
		return err
	}
	for _, h := range hosts {
		switch {
		case h == "":
			g.any = true
		case strings.HasPrefix(h, "*."):
			g.wildcards = append(g.wildcards, h)
		default:
			g.hosts[h] = true
		}
	}
	r.mu.Lock()
	before := r.current
	r.current = g
	r.mu.Unlock()
	if before != nil {
		r.leave(before)
	}
	return nil
}

// Check says why Caddy would not take the configuration, or nil.
func (r *Routes) Check(config json.RawMessage) error {
	r.mu.Lock()
	ctx, started := r.caddy, r.started
	r.mu.Unlock()
	if !started {
		return errors.New("check routes: Caddy was not started")
	}
	g, err := load(ctx, config)
	if err != nil {
		return err
	}
	g.discard()
	return nil
}

func load(parent caddy.Context, config json.RawMessage) (*generation, error) {
	ctx, cancel := caddy.NewContext(parent)
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(config, &fields); err != nil {
		cancel()
		return nil, fmt.Errorf("load routes: %w", err)
	}
	delete(fields, "handler") // it has named the module already
	body, err := json.Marshal(fields)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("load routes: %w", err)
	}
	module, err := ctx.LoadModuleByID("http.handlers.subroute", body)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("load routes: %w", err)
	}
	h, ok := module.(caddyhttp.MiddlewareHandler)
	if !ok {
		cancel()
		return nil, fmt.Errorf("load routes: %T is not a handler", module)
	}
	return &generation{hosts: map[string]bool{}, handler: h, users: 1, discard: cancel}, nil
}

// enter returns the newest routes for one request, or nil before the first.
func (r *Routes) enter() *generation {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current != nil {
		r.current.users++
	}
	return r.current
}

func (r *Routes) leave(g *generation) {
	r.mu.Lock()
	g.users--
	last := g.users == 0
	r.mu.Unlock()
	if last {
		g.discard()
	}
}

// name returns under which of the known hosts a host falls.
func (g *generation) name(host string) (string, bool) {
	if g.hosts[host] {
		return host, true
	}
	for _, w := range g.wildcards {
		if strings.HasSuffix(host, w[1:]) && len(host) >= len(w) {
			return w, true
		}
	}
	return "*", g.any
}
