// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
)

func (s *Service) routeReleases() {
	add(s, op("list-releases", http.MethodGet, inApp+"/releases", "releases", "Releases of an app, newest first", anybody), s.listReleases)
	add(s, op("get-release", http.MethodGet, inApp+"/releases/{revision}", "releases", "One release", anybody), s.getRelease)
	add(s, op("rollback-app", http.MethodPost, inApp+"/rollback", "releases", "Go back to an earlier release", anybody, status(http.StatusAccepted)), s.rollback)
}

func (s *Service) listReleases(ctx context.Context, in *struct {
	AppPath
	Limited
}) (*ok[List[record.Release]], error) {
	if _, err := s.app(ctx, in.Project, in.App); err != nil {
		return nil, err
	}
	releases, err := s.releases.values(ctx, in.Project, in.App)
	if err != nil {
		return nil, err
	}
	slices.Reverse(releases)
	return &ok[List[record.Release]]{list(releases, in.Limit)}, nil
}

// ReleasePath is the path of a release.
type ReleasePath struct {
	AppPath
	Revision int `path:"revision" minimum:"1" maximum:"999999" doc:"Number of the release"`
}

func (s *Service) getRelease(ctx context.Context, in *ReleasePath) (*ok[record.Release], error) {
	release, err := s.release(ctx, in.Project, in.App, in.Revision)
	if err != nil {
		return nil, err
	}
	return &ok[record.Release]{release}, nil
}

// RollbackRequest names the release to go back to.
type RollbackRequest struct {
	Revision int `json:"revision,omitempty" minimum:"0" maximum:"999999" doc:"0: the last healthy one before the current"`
}

func (s *Service) rollback(ctx context.Context, in *struct {
	AppPath
	Body RollbackRequest
}) (*answered[Accepted], error) {
	app, err := s.app(ctx, in.Project, in.App)
	if err != nil {
		return nil, err
	}
	revision := in.Body.Revision
	if revision > 0 {
		if _, err := s.release(ctx, in.Project, in.App, revision); err != nil {
			return nil, err
		}
	}
	if revision == app.Revision && revision > 0 {
		return nil, problem(http.StatusConflict, "app %q is at revision %d already", in.App, revision)
	}
	if app.Revision == 0 {
		return nil, problem(http.StatusConflict, "app %q has no release yet, so there is nothing to go back to", in.App)
	}
	if err := s.bus.Emit(ctx, events.RollbackRequested{Name: in.App, Revision: revision, By: caller(ctx).Name}, bus.For(in.Project, in.App)); err != nil {
		return nil, err
	}
	return &answered[Accepted]{http.StatusAccepted, Accepted{true, "roll-back of " + in.App + " was requested; service.rolledback is the event that says it is done"}}, nil
}

func (s *Service) release(ctx context.Context, project, app string, revision int) (record.Release, error) {
	if _, err := s.app(ctx, project, app); err != nil {
		return record.Release{}, err
	}
	r, exists, err := s.releases.lookup(ctx, record.Key(project, app, fmt.Sprintf("%06d", revision)))
	if err == nil && !exists {
		err = problem(http.StatusNotFound, "app %q has no revision %d; `hydra releases %s` shows what there is", app, revision, app)
	}
	return r, err
}
