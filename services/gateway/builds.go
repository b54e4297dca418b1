// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/store"
)

func (s *Service) routeBuilds() {
	add(s, op("list-project-builds", http.MethodGet, inProject+"/builds", "builds", "Builds of a project, newest first", anybody), s.listProjectBuilds)
	add(s, op("list-builds", http.MethodGet, inApp+"/builds", "builds", "Builds of an app, newest first", anybody), s.listBuilds)
	add(s, op("request-build", http.MethodPost, inApp+"/builds", "builds", "Build a commit again, or the newest one", anybody, status(http.StatusAccepted)), s.requestBuild)
	add(s, op("get-build", http.MethodGet, inProject+"/builds/{id}", "builds", "One build", anybody), s.getBuild)
	open(s, op("build-logs", http.MethodGet, inProject+"/builds/{id}/logs", "builds", "Log of a build, live with follow", anybody,
		describe("Plain text, or server-sent events with `Accept: text/event-stream`: event `line` holds {time, text}, event `end` the build's phase. "+
			"The id of a message is the number of its line; Last-Event-ID goes on after it."),
		streamed(map[string]*huma.Schema{plainText: textSchema("The lines"), eventStream: textSchema("Events line and end")})), s.buildLogs)
}

// BuildPath is the path of a build.
type BuildPath struct {
	ProjectPath
	ID string `path:"id" pattern:"^[a-z0-9-]{1,60}$" doc:"Id of the build"`
}

func (s *Service) listProjectBuilds(ctx context.Context, in *struct {
	ProjectPath
	Limited
}) (*ok[List[record.Build]], error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	return s.newestBuilds(ctx, in.Limit, in.Project)
}

func (s *Service) listBuilds(ctx context.Context, in *struct {
	AppPath
	Limited
}) (*ok[List[record.Build]], error) {
	if _, err := s.app(ctx, in.Project, in.App); err != nil {
		return nil, err
	}
	return s.newestBuilds(ctx, in.Limit, in.Project, in.App)
}

func (s *Service) newestBuilds(ctx context.Context, limit int, prefix ...string) (*ok[List[record.Build]], error) {
	builds, err := s.builds.values(ctx, prefix...)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(builds, func(a, b record.Build) int { return b.QueuedAt.Compare(a.QueuedAt) })
	return &ok[List[record.Build]]{list(builds, limit)}, nil
}

// BuildRequest asks for a build.
type BuildRequest struct {
	SHA string `json:"sha,omitempty" pattern:"^([0-9a-f]{7,64})?$" doc:"Commit to build; empty: the newest of the app's branch"`
}

func (s *Service) requestBuild(ctx context.Context, in *struct {
	AppPath
	Body BuildRequest
}) (*answered[Accepted], error) {
	app, err := s.app(ctx, in.Project, in.App)
	if err != nil {
		return nil, err
	}
	if app.Repository == "" {
		return nil, problem(http.StatusConflict, "app %q has no repository, so there is nothing to build", in.App)
	}
	if err := s.bus.Emit(ctx, events.BuildRequested{Name: in.App, SHA: in.Body.SHA, By: caller(ctx).Name}, bus.For(in.Project, in.App)); err != nil {
		return nil, err
	}
	return &answered[Accepted]{http.StatusAccepted, Accepted{true, "a build of " + in.App + " was requested; `hydra builds " + in.App + "` shows it"}}, nil
}

func (s *Service) getBuild(ctx context.Context, in *BuildPath) (*ok[record.Build], error) {
	b, err := s.build(ctx, in.Project, in.ID)
	if err != nil {
		return nil, err
	}
	return &ok[record.Build]{b}, nil
}

func (s *Service) build(ctx context.Context, project, id string) (record.Build, error) {
	key, err := findKey(ctx, s.js(), record.Builds, record.Key(project, "*", id))
	if errors.Is(err, store.ErrNotFound) {
		return record.Build{}, problem(http.StatusNotFound, "project %q has no build %q", project, id)
	}
	if err != nil {
		return record.Build{}, err
	}
	return s.builds.value(ctx, key)
}

// logLine is one line of a build log.
type logLine struct {
	Time time.Time `json:"time"`
	Text string    `json:"text"`
}

func (l logLine) String() string { return l.Text }

// logEnd says how what was logged ended.
type logEnd struct {
	Phase  record.Phase `json:"phase"`
	Reason string       `json:"reason,omitempty"`
}

func (s *Service) buildLogs(ctx context.Context, in *struct {
	BuildPath
	Follow      bool   `query:"follow" doc:"Wait for more until the build has ended"`
	Kind        string `query:"kind" enum:"build,test" default:"build" doc:"Log of the build or of its tests"`
	LastEventID string `header:"Last-Event-ID" doc:"Number of the last line that was received"`
}) (*huma.StreamResponse, error) {
	b, err := s.build(ctx, in.Project, in.ID)
	if err != nil {
		return nil, err
	}
	skip, _ := strconv.Atoi(in.LastEventID)
	subject := record.LogSubject(in.Project, b.App, in.Kind, b.ID)
	return s.streaming("build_logs", wantsEvents, func(st *stream) error {
		n := 0
		line := func(l store.LogLine) error {
			if n++; n > skip {
				st.send("line", strconv.Itoa(n), logLine(l))
			}
			return st.ctx.Err()
		}
		if in.Follow {
			if err := s.followLog(st.ctx, subject, record.Key(in.Project, b.App, b.ID), line); err != nil {
				return err
			}
			skip, n = max(n, skip), 0 // what came after the last look
		}
		if err := store.ReadLog(st.ctx, s.js(), subject, false, line); err != nil {
			return err
		}
		last, err := s.builds.value(st.ctx, record.Key(in.Project, b.App, b.ID))
		if err == nil {
			st.send("end", "", logEnd{last.Phase, last.Reason})
		}
		return err
	}), nil
}

// followLog reads until the log is ended or the build is: a builder that was
// killed for good never ends its log, but its build gets a terminal phase.
func (s *Service) followLog(ctx context.Context, subject, key string, line func(store.LogLine) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, over, err := s.builds.await(ctx, key, 24*time.Hour, func(b record.Build, exists bool) bool { return !exists || b.Phase.Terminal() })
		if err != nil || !over {
			return
		}
		select { // the last lines may still be on their way
		case <-ctx.Done():
		case <-time.After(time.Second):
			cancel(errBuildOver)
		}
	}()
	err := store.ReadLog(ctx, s.js(), subject, true, line)
	if errors.Is(context.Cause(ctx), errBuildOver) {
		err = nil
	}
	cancel(nil)
	<-done
	return err
}

var errBuildOver = errors.New("the build is over")
