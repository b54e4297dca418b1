// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// Backend is a port of a Service with its share of the requests.
type Backend struct {
	Service string `json:"service"` // namespace/name:port
	Weight  int    `json:"weight"`
}

// Source is the Caddy module http.reverse_proxy.upstreams.hydra_endpoints. A
// request for which no backend has an instance waits in it, because a wait in
// Caddy's own retry loop would end with the configuration that it began under.
type Source struct {
	Backends []Backend      `json:"backends"`
	Hold     caddy.Duration `json:"hold"` // longest wait of a request, all attempts together

	table *Table
}

// Register makes the module known to Caddy, once for each process, with the
// table that its instances read.
func Register(table *Table) { caddy.RegisterModule(&Source{table: table}) }

// CaddyModule implements caddy.Module.
func (s *Source) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.reverse_proxy.upstreams.hydra_endpoints",
		New: func() caddy.Module { return &Source{table: s.table} },
	}
}

const deadlineVar = "hydra_entry_deadline"

// GetUpstreams implements reverseproxy.UpstreamSource. It returns none when
// nothing became ready in time.
func (s *Source) GetUpstreams(r *http.Request) ([]*reverseproxy.Upstream, error) {
	deadline, again := caddyhttp.GetVar(r.Context(), deadlineVar).(time.Time)
	if !again {
		deadline = time.Now().Add(time.Duration(s.Hold))
		caddyhttp.SetVar(r.Context(), deadlineVar, deadline)
	}
	var timeout <-chan time.Time
	for {
		addresses, changed := s.table.get(s.Backends)
		if chosen := choose(s.Backends, addresses); chosen != nil {
			out := make([]*reverseproxy.Upstream, len(chosen))
			for i, a := range chosen {
				out[i] = &reverseproxy.Upstream{Dial: a}
			}
			return out, nil
		}
		if timeout == nil {
			timer := time.NewTimer(time.Until(deadline))
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-changed:
		case <-timeout:
			return nil, nil
		case <-r.Context().Done():
			return nil, nil
		}
	}
}

// choose takes one backend by weight among those that have an instance.
func choose(backends []Backend, addresses [][]string) []string {
	total := 0
	for i, b := range backends {
		if len(addresses[i]) > 0 {
			total += b.Weight
		}
	}
	if total == 0 {
		return nil
	}
	n := rand.IntN(total)
	for i, b := range backends {
		if len(addresses[i]) == 0 {
			continue
		}
		if n -= b.Weight; n < 0 {
			return addresses[i]
		}
	}
	return nil
}

var _ reverseproxy.UpstreamSource = (*Source)(nil)
