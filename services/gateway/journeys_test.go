// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/services/gateway"
)

// builderAndDeployer answer a push with the events that the real ones emit.
// A commit whose message is "broken" fails to build, "sick" fails to roll out.
func (b *bundle) builderAndDeployer() {
	b.peer("builder", func(r *bus.Router, u *bus.Bus) {
		bus.On(r, func(ctx context.Context, e events.Event[events.ChangeMerged]) error {
			c := e.Data.Commit
			out := []events.Payload{
				events.BuildQueued{BuildID: "b" + c.SHA[:3], Commit: c},
				events.BuildStarted{BuildID: "b" + c.SHA[:3], Commit: c},
			}
			if c.Message == "broken" {
				out = append(out, events.BuildFinished{BuildID: "b" + c.SHA[:3], Commit: c, Outcome: events.Failure, Reason: "main.go:3: undefined: x", Duration: 1.5})
			} else {
				out = append(out,
					events.TestSuiteRunStarted{BuildID: "b" + c.SHA[:3], RunID: "t1"},
					events.TestSuiteRunFinished{BuildID: "b" + c.SHA[:3], RunID: "t1", Outcome: events.Success, Passed: 7},
					events.ArtifactPublished{BuildID: "b" + c.SHA[:3], Commit: c},
					events.BuildFinished{BuildID: "b" + c.SHA[:3], Commit: c, Outcome: events.Success, Duration: 2.5})
			}
			for _, p := range out {
				if err := u.Emit(ctx, p); err != nil {
					return err
				}
			}
			return nil
		}, events.BuildQueued{}, events.BuildStarted{}, events.TestSuiteRunStarted{}, events.TestSuiteRunFinished{}, events.ArtifactPublished{}, events.BuildFinished{})
	})
	b.peer("deployer", func(r *bus.Router, u *bus.Bus) {
		bus.On(r, func(ctx context.Context, e events.Event[events.ArtifactPublished]) error {
			state := events.ServiceState{Name: e.App, Revision: 2, BuildID: e.Data.BuildID, URL: "http://shop.acme.localhost", Duration: 3}
			out := []events.Payload{events.RolloutStarted{Revision: 2, BuildID: e.Data.BuildID}}
			if e.Data.Commit.Message == "sick" {
				out = append(out,
					events.RolloutFailed{Revision: 2, Reason: "CrashLoopBackOff", Message: "exit code 1"},
					events.ServiceRolledBack{State: events.ServiceState{Name: e.App, Revision: 1}, FromRevision: 2, Reason: "CrashLoopBackOff", Automatic: true})
			} else {
				out = append(out, events.ServiceUpgraded{State: state})
			}
			for _, p := range out {
				if err := u.Emit(ctx, p); err != nil {
					return err
				}
			}
			return nil
		}, events.RolloutStarted{}, events.RolloutFailed{}, events.ServiceRolledBack{}, events.ServiceUpgraded{})
	})
}

func (b *bundle) push(message, sha string) {
	b.t.Helper()
	require.NoError(b.t, b.bus.Emit(b.ctx, events.ChangeMerged{
		ChangeID: sha, Commit: events.Commit{SHA: sha, Branch: "main", Message: message, Author: "Ada"}, Provider: "github",
	}, bus.For("acme", "shop")))
}

func TestJourneys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.builderAndDeployer()
	b.push("good", "aaa0000000000000000000000000000000000000")
	b.push("broken", "bbb0000000000000000000000000000000000000")
	b.push("sick", "ccc0000000000000000000000000000000000000")
	for range 5 { // what is measured is not a journey that anybody looks for
		require.NoError(t, b.bus.Emit(b.ctx, events.WorkloadMeasured{Name: "shop"}, bus.For("acme", "shop")))
	}
	var list gateway.List[gateway.Journey]
	require.Eventually(t, func() bool {
		b.get("/projects/acme/journeys", &list)
		return len(list.Items) == 3 && list.Items[0].Status == gateway.JourneyRolledBack && list.Items[1].Status == gateway.JourneyFailed && list.Items[2].Status == gateway.JourneySucceeded
	}, patience, 20e6, "%+v", list)
	sick, broken, good := list.Items[0], list.Items[1], list.Items[2]
	require.Equal(t, "CrashLoopBackOff: exit code 1", sick.Reason)
	require.Equal(t, "main.go:3: undefined: x", broken.Reason)
	require.Equal(t, "good", good.Title)
	require.Equal(t, "Ada", good.By)
	require.Equal(t, "baaa", good.BuildID)
	require.Equal(t, 2, good.Revision)
	require.Equal(t, "http://shop.acme.localhost", good.URL)
	require.NotNil(t, good.EndedAt)

	var detail gateway.JourneyDetail
	b.get("/projects/acme/journeys/"+good.Correlation, &detail)
	require.Equal(t, good.Status, detail.Status)
	var steps []string
	for i, st := range detail.Steps {
		steps = append(steps, st.Event)
		if i > 0 {
			require.GreaterOrEqual(t, st.Offset, detail.Steps[i-1].Offset)
		}
	}
	require.Equal(t, []string{"change.merged", "build.queued", "build.started", "testsuiterun.started", "testsuiterun.finished", "artifact.published", "build.finished", "rollout.started", "service.upgraded"}, sorted(steps))
	var stages []string
	for _, st := range detail.Stages {
		stages = append(stages, st.Name+" "+string(st.Status))
	}
	require.Equal(t, []string{"queue succeeded", "build succeeded", "test succeeded", "rollout succeeded"}, stages)

	b.get("/projects/acme/journeys/"+sick.Correlation, &detail)
	last := detail.Stages[len(detail.Stages)-1]
	require.Equal(t, "rollback", last.Name)
	require.Equal(t, gateway.JourneySucceeded, last.Status)

	b.get("/projects/acme/journeys?limit=1", &list)
	require.Len(t, list.Items, 1)
	require.Equal(t, sick.Correlation, list.Items[0].Correlation)
	b.get("/projects/acme/journeys?app=till", &list)
	require.Empty(t, list.Items)
	b.call(http.MethodGet, "/projects/acme/journeys/nobody", nil).problem(http.StatusNotFound)

	// Another project cannot look at it by its id.
	token := b.project("other")
	b.callAs(token, http.MethodGet, "/projects/other/journeys/"+good.Correlation, nil).problem(http.StatusNotFound)
}

// sorted puts build.finished and rollout.started, which two services emit at
// the same time, into one order.
func sorted(steps []string) []string {
	for i := 0; i+1 < len(steps); i++ {
		if steps[i+1] == "build.finished" && (steps[i] == "rollout.started" || steps[i] == "service.upgraded") {
			steps[i], steps[i+1] = steps[i+1], steps[i]
			i = 0
		}
	}
	return steps
}

// A form that the deployer refuses, and a first release that fails, have
// nothing to go back to; nothing of them runs for ever.
func TestJourneyThatFailsWithoutARollback(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.deployer("spec:9: no such type")
	b.call(http.MethodPut, "/projects/acme/apps/shop", map[string]any{"spec": spec}).problem(http.StatusUnprocessableEntity)
	var list gateway.List[gateway.Journey]
	b.get("/projects/acme/journeys", &list)
	require.Equal(t, gateway.JourneyFailed, list.Items[0].Status)
	require.Contains(t, list.Items[0].Reason, "no such type")
	var detail gateway.JourneyDetail
	b.get("/projects/acme/journeys/"+list.Items[0].Correlation, &detail)
	require.Empty(t, detail.Stages)
	require.Len(t, detail.Steps, 2)
}

func TestJourneyOfAPushThatWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.push("waiting", "ddd0000000000000000000000000000000000000")
	require.NoError(t, b.bus.Emit(b.ctx, events.ApplicationRequested{Name: "shop", By: "ada"}, bus.For("acme", "shop")))
	var list gateway.List[gateway.Journey]
	b.get("/projects/acme/journeys", &list)
	require.Equal(t, gateway.JourneyAccepted, list.Items[0].Status)
	require.Equal(t, "ada", list.Items[0].By)
	require.Equal(t, gateway.JourneyRunning, list.Items[1].Status)
	require.Nil(t, list.Items[1].EndedAt)
	var detail gateway.JourneyDetail
	b.get("/projects/acme/journeys/"+list.Items[1].Correlation, &detail)
	require.Equal(t, "queue", detail.Stages[0].Name)
	require.Equal(t, gateway.JourneyRunning, detail.Stages[0].Status)
}
