// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/gateway"
)

const buildID = "b0123456789ab"

func (b *bundle) build(phase record.Phase) {
	b.t.Helper()
	put(b, record.Builds, record.Key("acme", "shop", buildID), record.Build{ID: buildID, Project: "acme", App: "shop", Phase: phase, QueuedAt: time.Now().UTC()})
}

func (b *bundle) buildLog(kind string, lines ...string) *store.LogWriter {
	b.t.Helper()
	w := store.NewLog(b.ctx, b.js, record.LogSubject("acme", "shop", kind, buildID))
	for _, l := range lines {
		w.Printf("%s", l)
	}
	return w
}

func TestBuildsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.app("acme", "shop", "https://github.com/acme/shop", "main")
	b.app("acme", "spec", "", "")
	now := time.Now().UTC()
	for i, id := range []string{"b2", "b1", "b3"} {
		put(b, record.Builds, record.Key("acme", "shop", id), record.Build{ID: id, Project: "acme", App: "shop", Phase: record.Succeeded, QueuedAt: now.Add(time.Duration(i) * time.Minute)})
	}
	put(b, record.Builds, "acme.till.b9", record.Build{ID: "b9", Project: "acme", App: "till", QueuedAt: now.Add(-time.Hour)})
	var builds gateway.List[record.Build]
	b.get("/projects/acme/apps/shop/builds?limit=2", &builds)
	require.Equal(t, 3, builds.Total)
	require.Equal(t, []string{"b3", "b1"}, []string{builds.Items[0].ID, builds.Items[1].ID})
	b.get("/projects/acme/builds", &builds)
	require.Equal(t, 4, builds.Total)
	require.Equal(t, "b9", builds.Items[3].ID)
	var one record.Build
	b.get("/projects/acme/builds/b9", &one)
	require.Equal(t, "till", one.App)
	b.call(http.MethodGet, "/projects/acme/builds/b8", nil).problem(http.StatusNotFound)

	require.Equal(t, http.StatusAccepted, b.call(http.MethodPost, "/projects/acme/apps/shop/builds", map[string]any{"sha": sha}).status)
	require.Equal(t, events.BuildRequested{Name: "shop", SHA: sha, By: "admin"}, decode[events.BuildRequested](t, b.events("build.requested")[0]))
	b.call(http.MethodPost, "/projects/acme/apps/shop/builds", map[string]any{"sha": "main; rm"}).problem(http.StatusUnprocessableEntity)
	b.call(http.MethodPost, "/projects/acme/apps/spec/builds", map[string]any{}).problem(http.StatusConflict)
}

func TestBuildLogAsTextAndAsEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.build(record.Succeeded)
	require.NoError(t, b.buildLog("build", "step 1", "step 2", "step 3").Close())
	require.NoError(t, b.buildLog("test", "ok 7 tests").Close())
	text := b.call(http.MethodGet, "/projects/acme/builds/"+buildID+"/logs", nil)
	require.Equal(t, "step 1\nstep 2\nstep 3\n", string(text.body))
	require.Equal(t, "text/plain; charset=utf-8", text.header.Get("Content-Type"))
	require.Equal(t, "ok 7 tests\n", string(b.call(http.MethodGet, "/projects/acme/builds/"+buildID+"/logs?kind=test", nil).body))
	b.call(http.MethodGet, "/projects/acme/builds/"+buildID+"/logs?kind=secret", nil).problem(http.StatusUnprocessableEntity)

	f := b.follow("/projects/acme/builds/"+buildID+"/logs", b.admin, http.Header{"Last-Event-Id": {"1"}})
	m := f.next()
	require.Equal(t, "2", m.id)
	require.Equal(t, "line", m.event)
	var line struct {
		Time time.Time
		Text string
	}
	require.NoError(t, json.Unmarshal([]byte(m.data), &line))
	require.Equal(t, "step 2", line.Text)
	require.False(t, line.Time.IsZero())
	require.Equal(t, "3", f.next().id)
	end := f.next()
	require.Equal(t, "end", end.event)
	require.JSONEq(t, `{"phase":"succeeded"}`, end.data)
	_, open := f.line()
	require.False(t, open, "the stream ends with the log")
}

func TestBuildLogIsFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.build(record.Running)
	w := b.buildLog("build", "step 1")
	f := b.follow("/projects/acme/builds/"+buildID+"/logs?follow=true", b.admin, nil)
	require.Contains(t, f.next().data, "step 1")
	w.Printf("step 2")
	require.Contains(t, f.next().data, "step 2")
	b.build(record.Failed)
	require.NoError(t, w.Close())
	end := f.next()
	require.Equal(t, "end", end.event)
	require.Contains(t, end.data, "failed")
	_, open := f.line()
	require.False(t, open)
}

// A builder that was killed never ends its log; its build is ended by another.
func TestFollowingEndsWithTheBuildWhoseLogHasNoEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.build(record.Running)
	b.buildLog("build", "step 1")
	f := b.follow("/projects/acme/builds/"+buildID+"/logs?follow=true", b.admin, nil)
	require.Contains(t, f.next().data, "step 1")
	b.build(record.Failed)
	require.Equal(t, "end", f.next().event)
}

func TestFollowingABuildThatHasNoLogYet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.build(record.Queued)
	f := b.follow("/projects/acme/builds/"+buildID+"/logs?follow=true", b.admin, nil)
	require.Equal(t, http.StatusOK, f.status)
	w := b.buildLog("build", strings.Repeat("x", 10<<10))
	require.Contains(t, f.next().data, "xxxx")
	require.NoError(t, w.Close())
	require.Equal(t, "end", f.next().event)
}
