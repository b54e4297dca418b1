// SPDX-License-Identifier: Apache-2.0

// Package upstream tells Caddy where the instances of a Service are, through
// its extension point for dynamic upstreams. A change of instances reaches
// the next attempt of every request, also of one that is already waiting, and
// needs no new configuration.
package upstream

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
)

// Table knows the ready addresses of each port of each Service. It is safe
// for concurrent use.
type Table struct {
	mu        sync.Mutex
	addresses map[string][]string // guarded by mu; key namespace/name:port
	changed   chan struct{}       // guarded by mu; closed at the next change
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{addresses: map[string][]string{}, changed: make(chan struct{})}
}

// Set replaces what is known of a Service, "namespace/name"; ports maps each
// of its ports to ready addresses, host:port.
func (t *Table) Set(service string, ports map[int32][]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := map[string][]string{}
	for port, addresses := range ports {
		if len(addresses) > 0 {
			next[service+":"+strconv.Itoa(int(port))] = addresses
		}
	}
	same := true
	for key := range t.addresses {
		if strings.HasPrefix(key, service+":") && !slices.Equal(t.addresses[key], next[key]) {
			same = false
			delete(t.addresses, key)
		}
	}
	for key, addresses := range next {
		same = same && slices.Equal(t.addresses[key], addresses)
	}
	if same {
		return
	}
	maps.Copy(t.addresses, next)
	close(t.changed)
	t.changed = make(chan struct{})
}

// get returns the addresses of the given backends and a channel that is
// closed when anything changes.
func (t *Table) get(backends []Backend) ([][]string, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([][]string, len(backends))
	for i, b := range backends {
		out[i] = t.addresses[b.Service]
	}
	return out, t.changed
}

// Addresses finds the ready addresses of each port of a Service in its
// EndpointSlices. Instances that are going away are left out, ready or not.
func Addresses(service *core.Service, endpointSlices []*discovery.EndpointSlice) map[int32][]string {
	out := map[int32][]string{}
	for _, port := range service.Spec.Ports {
		var found []string
		for _, s := range endpointSlices {
			if s.AddressType == discovery.AddressTypeFQDN {
				continue
			}
			for _, p := range s.Ports {
				if p.Port == nil || deref(p.Name) != port.Name {
					continue
				}
				for _, e := range s.Endpoints {
					if deref(e.Conditions.Terminating) || e.Conditions.Ready != nil && !*e.Conditions.Ready || len(e.Addresses) == 0 {
						continue
					}
					// Every address of an endpoint means the same instance.
					found = append(found, net.JoinHostPort(e.Addresses[0], strconv.Itoa(int(*p.Port))))
				}
			}
		}
		slices.Sort(found)
		out[port.Port] = slices.Compact(found)
	}
	return out
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
