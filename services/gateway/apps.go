// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
)

// AppRequest is the whole wanted state of an app. What is left out is unset.
type AppRequest struct {
	Repository string `json:"repository,omitempty" maxLength:"2048" doc:"Clone URL or absolute path, without credentials; empty for an app that is not built"`
	Branch     string `json:"branch,omitempty" maxLength:"250" doc:"Branch to build; default main"`
	Path       string `json:"path,omitempty" maxLength:"500" doc:"Folder inside the repository"`
	Spec       string `json:"spec,omitempty" maxLength:"524288" doc:"OAM v1beta1 Application, YAML; empty: the file in the repository"`
}

func (s *Service) routeApps() {
	add(s, op("list-apps", http.MethodGet, inProject+"/apps", "apps", "Apps of a project", anybody), s.listApps)
	add(s, op("get-app", http.MethodGet, inApp, "apps", "One app with its state", anybody), s.getApp)
	add(s, op("put-app", http.MethodPut, inApp, "apps", "Create or change an app", anybody, status(http.StatusAccepted), describe(
		"Answers 202 with the app as its service knows it after at most a few seconds. "+
			"A spec that does not validate is a 422 whose errors name file, line and field, and changes nothing.")), s.putApp)
	add(s, op("delete-app", http.MethodDelete, inApp, "apps", "Remove an app and its objects", anybody, status(http.StatusAccepted)), s.deleteApp)
	add(s, op("scale-app", http.MethodPost, inApp+"/scale", "apps", "Fix the number of replicas, or give it back to the policy", anybody, status(http.StatusAccepted)), s.scaleApp)
}

func (s *Service) listApps(ctx context.Context, in *struct {
	ProjectPath
	Limited
}) (*ok[List[record.App]], error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	apps, err := s.apps.values(ctx, in.Project)
	if err != nil {
		return nil, err
	}
	return &ok[List[record.App]]{list(apps, in.Limit)}, nil
}

func (s *Service) getApp(ctx context.Context, in *AppPath) (*ok[record.App], error) {
	app, err := s.app(ctx, in.Project, in.App)
	if err != nil {
		return nil, err
	}
	return &ok[record.App]{app}, nil
}

func (s *Service) putApp(ctx context.Context, in *struct {
	AppPath
	Body AppRequest
}) (*answered[record.App], error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	want := in.Body
	if p := checkApp(in.App, want); p != nil {
		return nil, p
	}
	key := record.Key(in.Project, in.App)
	before, _, err := s.apps.lookup(ctx, key)
	if err != nil {
		return nil, err
	}
	request := events.ApplicationRequested{
		Name: in.App, Repository: want.Repository, Branch: want.Branch, Path: want.Path, Spec: want.Spec, By: caller(ctx).Name,
	}
	idempotence := rand.Text()
	refused, stop, err := s.refusals(ctx, in.Project, in.App, s.bus.ID(request, idempotence))
	if err != nil {
		return nil, err
	}
	defer stop()
	if err := s.bus.Emit(ctx, request, bus.For(in.Project, in.App), bus.Key(idempotence)); err != nil {
		return nil, err
	}
	taken := func(a record.App) bool {
		branch := a.Branch == want.Branch || want.Branch == "" || want.Repository == ""
		return a.Repository == want.Repository && branch && a.Path == want.Path && a.Spec == want.Spec
	}
	refusal := ""
	after, there, err := s.apps.await(ctx, key, s.cfg.Wait, func(a record.App, exists bool) bool {
		select {
		case refusal = <-refused:
			return true
		default:
			return exists && (taken(a) || !a.UpdatedAt.Equal(before.UpdatedAt))
		}
	})
	switch {
	case err != nil:
		return nil, err
	case refusal != "":
		return nil, rejected(refusal)
	case !there && after.Name == "":
		after = record.App{
			Name: in.App, Project: in.Project, Repository: want.Repository, Branch: want.Branch, Path: want.Path, Spec: want.Spec,
			Status: record.AppPending, Reason: "waiting for the deployer", CreatedAt: s.clock.Now(), UpdatedAt: s.clock.Now(),
		}
	}
	return &answered[record.App]{http.StatusAccepted, after}, nil
}

// refusals tells what the deployer finds wrong with the request of that id.
// It answers one that is not valid with rollout.failed, caused by the request
// itself and of no revision, and changes nothing.
func (s *Service) refusals(ctx context.Context, project, app, request string) (<-chan string, context.CancelFunc, error) {
	last, err := s.lastSequence(ctx)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	out, done := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		q := bus.Query{Project: project, App: app, Types: names(events.RolloutFailed{}), Correlation: request, FromSeq: last + 1}
		err := s.bus.Tail(ctx, q, func(e bus.Stored) error {
			var failed events.RolloutFailed
			if err := events.Decode(e.Event.Data(), &failed); err != nil || e.CausationID != request || failed.Revision != 0 {
				return nil //nolint:nilerr // another event, not ours to judge
			}
			out <- failed.Message
			return bus.Stop()
		})
		if err != nil && ctx.Err() == nil {
			s.log(ctx).Warn().Err(err).Msg("refusals not seen, the answer will say that the app is under way")
		}
	}()
	return out, func() { cancel(); <-done }, nil
}

func (s *Service) deleteApp(ctx context.Context, in *AppPath) (*answered[Accepted], error) {
	if _, err := s.app(ctx, in.Project, in.App); err != nil {
		return nil, err
	}
	if err := s.bus.Emit(ctx, events.ApplicationRemovalRequested{Name: in.App, By: caller(ctx).Name}, bus.For(in.Project, in.App)); err != nil {
		return nil, err
	}
	return &answered[Accepted]{http.StatusAccepted, Accepted{true, "app " + in.App + " is being removed; service.removed is the event that ends it"}}, nil
}

// ScaleRequest fixes the number of replicas.
type ScaleRequest struct {
	Replicas *int `json:"replicas,omitempty" minimum:"0" maximum:"1000" doc:"Left out: the scaling policy decides again"`
}

func (s *Service) scaleApp(ctx context.Context, in *struct {
	AppPath
	Body ScaleRequest
}) (*answered[Accepted], error) {
	if _, err := s.app(ctx, in.Project, in.App); err != nil {
		return nil, err
	}
	if err := s.bus.Emit(ctx, events.ScalingRequested{Name: in.App, Replicas: in.Body.Replicas, By: caller(ctx).Name}, bus.For(in.Project, in.App)); err != nil {
		return nil, err
	}
	return &answered[Accepted]{http.StatusAccepted, Accepted{true, "scaling of " + in.App + " was requested; workload.scaled is the event that says it was done"}}, nil
}

// app returns the record or says what to do.
func (s *Service) app(ctx context.Context, project, name string) (record.App, error) {
	if _, err := s.project(ctx, project); err != nil {
		return record.App{}, err
	}
	a, exists, err := s.apps.lookup(ctx, record.Key(project, name))
	if err == nil && !exists {
		err = problem(http.StatusNotFound, "project %q has no app %q; `hydra app list` shows what there is", project, name)
	}
	return a, err
}
