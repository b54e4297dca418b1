// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/hydra-platform/hydra/events"
)

// Part is one supervised part of `hydra up`.
type Part struct {
	Name     string    `json:"name"`
	State    string    `json:"state" doc:"waiting, starting, ready, restarting, failed or stopped"`
	Ready    float64   `json:"readySeconds,omitempty" doc:"How long it took to be ready"`
	Restarts int       `json:"restarts"`
	Reason   string    `json:"reason,omitempty" doc:"Why it is not ready"`
	Address  string    `json:"address,omitempty"`
	Since    time.Time `json:"since" doc:"When it entered its state"`
}

// Platform is what runs here.
type Platform struct {
	Version string `json:"version,omitempty"`
	Parts   []Part `json:"parts" nullable:"false" doc:"Empty where the platform does not run under hydra up"`
}

// Whoami is who the token belongs to.
type Whoami struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Admin    bool     `json:"admin"`
	Projects []string `json:"projects,omitempty"`
	Version  string   `json:"version,omitempty"`
}

// Flow is the event graph: who consumes what and may emit what.
type Flow struct {
	Routes []FlowRoute `json:"routes" nullable:"false"`
}

// FlowRoute is one handler, or what a unit emits on its own.
type FlowRoute struct {
	Unit string   `json:"unit"`
	In   string   `json:"in,omitempty" doc:"Short name of the event that is handled; left out for what the unit emits on its own"`
	Out  []string `json:"out" nullable:"false" doc:"Short names of what may be emitted"`
}

// EventType is one type of event.
type EventType struct {
	Name     string `json:"name" doc:"Short name, such as build.finished"`
	Type     string `json:"type" doc:"Wire name"`
	Noun     string `json:"noun"`
	Verb     string `json:"verb"`
	Version  string `json:"version"`
	Standard bool   `json:"standard" doc:"Defined by CDEvents rather than by Hydra"`
}

func (s *Service) routePlatform() {
	add(s, op("whoami", http.MethodGet, base+"/whoami", "platform", "Who the token belongs to", anybody), func(ctx context.Context, _ *struct{}) (*ok[Whoami], error) {
		who := caller(ctx)
		return &ok[Whoami]{Whoami{ID: who.ID, Name: who.Name, Admin: who.Admin, Projects: who.Projects, Version: s.deps.Version}}, nil
	})
	add(s, op("platform", http.MethodGet, base+"/platform", "platform", "The parts of the platform and how they are", anybody), func(ctx context.Context, _ *struct{}) (*ok[Platform], error) {
		out := Platform{Version: s.deps.Version, Parts: []Part{}}
		if s.cfg.Parts != nil {
			out.Parts = append(out.Parts, s.cfg.Parts(ctx)...)
		}
		return &ok[Platform]{out}, nil
	})
	add(s, op("flow", http.MethodGet, base+"/flow", "platform", "The event graph of the units", anybody), func(context.Context, *struct{}) (*ok[Flow], error) {
		out := Flow{Routes: []FlowRoute{}}
		for _, r := range s.cfg.Routes {
			route := FlowRoute{Unit: r.Unit, Out: []string{}}
			if r.In != "" {
				route.In = r.In.Name()
			}
			for _, t := range r.Out {
				route.Out = append(route.Out, t.Name())
			}
			out.Routes = append(out.Routes, route)
		}
		return &ok[Flow]{out}, nil
	})
	add(s, op("types", http.MethodGet, base+"/types", "platform", "Every type of event", anybody), func(context.Context, *struct{}) (*ok[List[EventType]], error) {
		items := []EventType{}
		for _, p := range events.Catalog() {
			t := p.EventType()
			items = append(items, EventType{Name: t.Name(), Type: string(t), Noun: t.Noun(), Verb: t.Verb(), Version: t.Version(), Standard: !t.Custom()})
		}
		return &ok[List[EventType]]{list(items, len(items))}, nil
	})
}
