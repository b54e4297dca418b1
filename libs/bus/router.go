// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"context"
	"fmt"
	"slices"

	"github.com/hydra-platform/hydra/events"
)

// A Route says that a unit consumes In and may emit Out while it does. In is
// empty for what a unit emits on its own, such as a watch of the cluster.
type Route struct {
	Unit string
	In   events.Type
	Out  []events.Type

	handle func(ctx context.Context, meta events.Meta, data []byte) error
}

// A Router collects the routes of one unit.
type Router struct {
	unit   string
	routes []Route
	err    error
}

// NewRouter returns an empty router for the named unit.
func NewRouter(unit string) *Router { return &Router{unit: unit} }

// Routes lists what was registered, in order.
func (r *Router) Routes() []Route { return slices.Clone(r.routes) }

// Err returns the first mistake made while registering.
func (r *Router) Err() error { return r.err }

// On registers a handler for the events of type T and declares what it may
// emit. A second handler for one type is a mistake that [Bus.Run] reports.
func On[T events.Payload](r *Router, handler func(context.Context, events.Event[T]) error, emits ...events.Payload) {
	var zero T
	r.add(Route{
		Unit: r.unit,
		In:   zero.EventType(),
		Out:  types(emits),
		handle: func(ctx context.Context, meta events.Meta, data []byte) error {
			e := events.Event[T]{Meta: meta}
			if err := events.Decode(data, &e.Data); err != nil {
				return Permanent(err)
			}
			return handler(ctx, e)
		},
	})
}

// Emits declares events that the unit emits on its own, outside any handler.
func Emits(r *Router, emits ...events.Payload) {
	r.add(Route{Unit: r.unit, Out: types(emits)})
}

func (r *Router) add(route Route) {
	for _, t := range append([]events.Type{route.In}, route.Out...) {
		if t == "" {
			continue
		}
		if err := t.Validate(); err != nil && r.err == nil {
			r.err = fmt.Errorf("unit %s: %w", r.unit, err)
		}
	}
	if route.In != "" && slices.ContainsFunc(r.routes, func(x Route) bool { return x.In == route.In }) && r.err == nil {
		r.err = fmt.Errorf("unit %s: two handlers for %s", r.unit, route.In)
	}
	r.routes = append(r.routes, route)
}

func types(payloads []events.Payload) []events.Type {
	out := make([]events.Type, len(payloads))
	for i, p := range payloads {
		out[i] = p.EventType()
	}
	return out
}

func (r *Router) route(t events.Type) (Route, bool) {
	for _, route := range r.routes {
		if route.In == t && t != "" {
			return route, true
		}
	}
	return Route{}, false
}

// filters are the subjects that the unit's consumer takes.
func (r *Router) filters() []string {
	var out []string
	for _, route := range r.routes {
		if route.In != "" {
			out = append(out, route.In.NATSFilter())
		}
	}
	return out
}
