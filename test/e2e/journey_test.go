// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"slices"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/test/journey"
)

// The main job, asserted event by event.
func TestJourney(t *testing.T) {
	r := start(t)
	story, client := r.story(t, "acme")
	require.NoError(t, story.Run(t.Context()))
	require.Len(t, story.Journey, 3)

	build := []string{"change.merged", "build.queued", "build.started", "testsuiterun.started", "testsuiterun.finished"}
	published := []string{"artifact.published", "build.finished", "rollout.started"}
	for i, end := range [][]string{{"service.deployed"}, {"service.upgraded"}, {"rollout.failed", "service.rolledback"}} {
		list, err := client.Events(t.Context(), "acme", api.Query{Correlation: story.Journey[i], Limit: 1000})
		require.NoError(t, err)
		names := namesOf(list)
		require.Subset(t, names, slices.Concat(build, published, end), "commit %d", i+1)
		require.Equal(t, build, only(names, build), "commit %d: order, and each once", i+1)
		for _, name := range slices.Concat(published, end) {
			require.Len(t, only(names, []string{name}), 1, "commit %d: %s", i+1, name)
		}
		for _, e := range list {
			require.NoError(t, e.Validate())
			if journey.Name(e) != "change.merged" {
				require.NotEmpty(t, e.Extensions()["causationid"], "%s names its cause", journey.Name(e))
			}
			require.NotEmpty(t, e.Extensions()["traceparent"])
		}
	}
	require.Zero(t, story.Calm.Failed, "requests during the roll-out")
	require.Zero(t, story.Safe.Failed, "requests during the rollback")

	t.Run("OneBuildPerCommitAndOneReleasePerBuild", func(t *testing.T) { counts(t, client, "acme", 3) })
	t.Run("MetricsAreRealNumbers", func(t *testing.T) { realMetrics(t, story) })
	t.Run("DecisionsCarryTheirInputs", func(t *testing.T) {
		target, err := client.Decisions(t.Context(), "acme", "hello")
		require.NoError(t, err)
		require.NotEmpty(t, target.Decisions)
		for _, d := range target.Decisions {
			require.NotEmpty(t, d.Reason)
		}
	})
	t.Run("NothingWasDeadLettered", func(t *testing.T) {
		for _, e := range story.Watch.All() {
			require.NotEqual(t, "delivery.deadlettered", journey.Name(e), string(e.Data()))
		}
	})
	t.Run("Browser", func(t *testing.T) { browser(t, r) })
}

func namesOf(list []event.Event) []string {
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = journey.Name(e)
	}
	return names
}

// only keeps the names that are asked for, in order.
func only(names, keep []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !slices.Contains(keep, n) })
}

// counts asserts one build for each commit and one release for each of them.
func counts(t *testing.T, client *api.Client, project string, commits int) {
	t.Helper()
	builds, err := client.Builds(t.Context(), project, "hello")
	require.NoError(t, err)
	require.Len(t, builds, commits)
	releases, err := client.Releases(t.Context(), project, "hello")
	require.NoError(t, err)
	perBuild := map[string]int{}
	for _, r := range releases {
		if r.Cause == "build" {
			perBuild[r.BuildID]++
		}
	}
	for _, b := range builds {
		require.True(t, b.Phase.Terminal(), "build %s is %s", b.ID, b.Phase)
		require.Equal(t, 1, perBuild[b.ID], "releases of build %s", b.ID)
	}
}

func realMetrics(t *testing.T, s *journey.Story) {
	t.Helper()
	var rate, cpu, memory float64
	for _, e := range s.Watch.All() {
		if !journey.Of[events.WorkloadMeasured](nil)(e) {
			continue
		}
		m, err := journey.Payload[events.WorkloadMeasured](e)
		require.NoError(t, err)
		rate, cpu, memory = max(rate, m.Requests), max(cpu, m.CPU), max(memory, m.Memory)
	}
	t.Logf("highest measured: %.1f requests/s, %.3f cores, %.1f MiB", rate, cpu, memory/(1<<20))
	require.Greater(t, rate, 30.0, "70 requests per second were sent")
	require.Less(t, rate, 140.0)
	require.Greater(t, cpu, 0.0)
	require.Greater(t, memory, 1e6)
}
