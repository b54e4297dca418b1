// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
)

func (s *Service) routeSignals() {
	add(s, op("app-metrics", http.MethodGet, inApp+"/metrics", "signals", "Load of an app now and over time", anybody), s.appMetrics)
	add(s, op("app-decisions", http.MethodGet, inApp+"/decisions", "signals", "What the scaler decided for an app, and why", anybody), s.appDecisions)
	add(s, op("app-incidents", http.MethodGet, inApp+"/incidents", "signals", "Incidents of an app, newest first", anybody), s.appIncidents)
	add(s, op("list-incidents", http.MethodGet, inProject+"/incidents", "signals", "Incidents of a project, newest first", anybody), s.projectIncidents)
	s.routeAppLogs()
}

// Metrics is an app's load. Ratios are 0 to 1.
type Metrics struct {
	Current *record.Load              `json:"current,omitempty" doc:"Newest measurement; left out before the first"`
	Series  []events.WorkloadMeasured `json:"series" nullable:"false" doc:"Earlier measurements, oldest first"`
}

func (s *Service) appMetrics(ctx context.Context, in *struct {
	AppPath
	Since string `query:"since" default:"1h" doc:"Time (RFC 3339) or how long ago, such as 30m, from which the series begins"`
	Limit int    `query:"limit" default:"300" minimum:"1" maximum:"2000" doc:"Most points of the series; the newest are kept"`
}) (*ok[Metrics], error) {
	if _, err := s.app(ctx, in.Project, in.App); err != nil {
		return nil, err
	}
	since, err := s.moment("since", in.Since)
	if err != nil {
		return nil, err
	}
	out := Metrics{Series: []events.WorkloadMeasured{}}
	load, exists, err := s.loads.lookup(ctx, record.Key(in.Project, in.App))
	if err != nil {
		return nil, err
	}
	if exists {
		out.Current = &load
	}
	found, err := s.newest(ctx, bus.Query{Project: in.Project, App: in.App, Types: []string{events.WorkloadMeasured{}.EventType().Name()}, Since: since}, nil, in.Limit)
	if err != nil {
		return nil, err
	}
	for _, e := range found {
		var m events.WorkloadMeasured
		if events.Decode(e.Event.Data(), &m) == nil {
			if m.At.IsZero() {
				m.At = e.Time
			}
			out.Series = append(out.Series, m)
		}
	}
	return &ok[Metrics]{out}, nil
}

func (s *Service) appDecisions(ctx context.Context, in *AppPath) (*ok[record.ScaleTarget], error) {
	if _, err := s.app(ctx, in.Project, in.App); err != nil {
		return nil, err
	}
	target, exists, err := s.scaling.lookup(ctx, record.Key(in.Project, in.App))
	if err != nil {
		return nil, err
	}
	if !exists {
		target = record.ScaleTarget{Project: in.Project, App: in.App}
	}
	return &ok[record.ScaleTarget]{target}, nil
}

// IncidentsFilter selects incidents.
type IncidentsFilter struct {
	Limited
	Open bool `query:"open" doc:"Only those that are not resolved"`
}

func (s *Service) appIncidents(ctx context.Context, in *struct {
	AppPath
	IncidentsFilter
}) (*ok[List[record.Incident]], error) {
	if _, err := s.app(ctx, in.Project, in.App); err != nil {
		return nil, err
	}
	return s.newestIncidents(ctx, in.IncidentsFilter, in.Project, in.App)
}

func (s *Service) projectIncidents(ctx context.Context, in *struct {
	ProjectPath
	IncidentsFilter
}) (*ok[List[record.Incident]], error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	return s.newestIncidents(ctx, in.IncidentsFilter, in.Project)
}

func (s *Service) newestIncidents(ctx context.Context, f IncidentsFilter, prefix ...string) (*ok[List[record.Incident]], error) {
	incidents, err := s.incidents.values(ctx, prefix...)
	if err != nil {
		return nil, err
	}
	if f.Open {
		incidents = slices.DeleteFunc(incidents, func(i record.Incident) bool { return !i.ResolvedAt.IsZero() })
	}
	slices.SortStableFunc(incidents, func(a, b record.Incident) int { return b.DetectedAt.Compare(a.DetectedAt) })
	return &ok[List[record.Incident]]{list(incidents, f.Limit)}, nil
}

// moment reads a time that a person wrote: RFC 3339, or how long ago.
func (s *Service) moment(parameter, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return s.clock.Now().Add(-ago), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, at(problem(http.StatusUnprocessableEntity, "%s %q: want a time such as 2026-05-04T15:00:00Z, or how long ago, such as 90m", parameter, text),
			"query."+parameter, "want RFC 3339 or a duration")
	}
	return t.UTC(), nil
}
