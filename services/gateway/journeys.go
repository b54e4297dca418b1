// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"net/http"
	"slices"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/bus"
)

func (s *Service) routeJourneys() {
	add(s, op("list-journeys", http.MethodGet, inProject+"/journeys", "events", "What began in a project and how far it is, newest first", anybody,
		describe("A journey is a push, or a request of a person, with every event that followed from it.")), s.listJourneys)
	add(s, op("get-journey", http.MethodGet, inProject+"/journeys/{correlation}", "events", "One journey with its stages and steps", anybody), s.getJourney)
}

// journeyStarts are the events that begin a journey, in groups as large as
// the stream filters by subject. What the platform measures on its own begins
// journeys too, but not ones that anybody looks for.
func journeyStarts() [][]string {
	return [][]string{
		names(events.ChangeMerged{}, events.BuildRequested{}, events.ApplicationRequested{}, events.RollbackRequested{}),
		names(events.ApplicationRemovalRequested{}, events.ScalingRequested{}),
	}
}

// journeyMarks are the events that a summary is made of.
func journeyMarks() [][]string {
	return [][]string{
		names(events.BuildStarted{}, events.BuildFinished{}, events.TestSuiteRunFinished{}, events.RolloutStarted{}),
		names(events.ServiceDeployed{}, events.ServiceUpgraded{}, events.RolloutFailed{}, events.ServiceRolledBack{}),
		names(events.ServiceRemoved{}, events.WorkloadScaled{}),
	}
}

func names(payloads ...events.Payload) []string {
	out := make([]string, len(payloads))
	for i, p := range payloads {
		out[i] = p.EventType().Name()
	}
	return out
}

func (s *Service) listJourneys(ctx context.Context, in *struct {
	ProjectPath
	App   string `query:"app" pattern:"^([a-z]([a-z0-9-]{0,38}[a-z0-9])?)?$" doc:"Only of this app"`
	Limit int    `query:"limit" default:"20" minimum:"1" maximum:"100" doc:"Most journeys to answer with"`
}) (*ok[List[Journey]], error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	q := bus.Query{Project: in.Project, App: in.App}
	var starts []bus.Stored
	for _, q.Types = range journeyStarts() {
		found, err := s.newest(ctx, q, nil, in.Limit)
		if err != nil {
			return nil, err
		}
		starts = append(starts, found...)
	}
	slices.SortFunc(starts, func(a, b bus.Stored) int { return int(int64(b.Sequence) - int64(a.Sequence)) })
	starts = starts[:min(len(starts), in.Limit)]
	if len(starts) == 0 {
		return &ok[List[Journey]]{list([]Journey{}, in.Limit)}, nil
	}

	members := map[string][]bus.Stored{}
	for _, e := range starts {
		members[e.CorrelationID] = append(members[e.CorrelationID], e)
	}
	q.FromSeq = starts[len(starts)-1].Sequence
	for _, q.Types = range journeyMarks() {
		if err := s.bus.History(ctx, q, func(e bus.Stored) error {
			if _, wanted := members[e.CorrelationID]; wanted {
				members[e.CorrelationID] = append(members[e.CorrelationID], e)
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	items := []Journey{}
	for _, e := range starts {
		if in := members[e.CorrelationID]; in != nil {
			items = append(items, fold(in).Journey)
			delete(members, e.CorrelationID) // two starts in one journey are one
		}
	}
	return &ok[List[Journey]]{list(items, in.Limit)}, nil
}

func (s *Service) getJourney(ctx context.Context, in *struct {
	ProjectPath
	Correlation string `path:"correlation" maxLength:"200" doc:"Id of the event that began it"`
}) (*ok[JourneyDetail], error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	found, err := s.journey(ctx, in.Project, in.Correlation)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, problem(http.StatusNotFound, "project %q has no journey %q", in.Project, in.Correlation)
	}
	return &ok[JourneyDetail]{fold(found)}, nil
}

// journey collects the events of one correlation, looking back until the one
// that began it is found.
func (s *Service) journey(ctx context.Context, project, correlation string) ([]bus.Stored, error) {
	last, err := s.lastSequence(ctx)
	if err != nil {
		return nil, err
	}
	var found []bus.Stored
	q := bus.Query{Project: project, Correlation: correlation}
	for window, end := uint64(firstWindow), last; end > 0; window *= windowGrowth {
		begin := uint64(1)
		if end > window {
			begin = end - window + 1
		}
		part, _, err := s.between(ctx, q, nil, begin, end)
		if err != nil {
			return nil, err
		}
		found = append(part, found...)
		if begin == 1 || (len(found) > 0 && found[0].ID == correlation) {
			break
		}
		end = begin - 1
	}
	return found, nil
}
