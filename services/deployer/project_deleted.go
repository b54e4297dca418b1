// SPDX-License-Identifier: Apache-2.0

package deployer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
)

// onProjectDeleted removes the namespace, waits until it is gone, and forgets
// the project's apps. Roll-outs under way see that their app is being removed
// and end.
func (s *Service) onProjectDeleted(ctx context.Context, e events.Event[events.ProjectDeleted]) error {
	project := e.Data.Name
	if err := events.ValidateName("project", project); err != nil {
		return bus.Permanent(err)
	}
	st, err := s.open(ctx)
	if err != nil {
		return err
	}
	apps, err := st.apps.List(ctx, project)
	if err != nil {
		return err
	}
	for _, app := range apps {
		if err := s.markRemoving(ctx, st, project, app.Value.Name); err != nil {
			return err
		}
	}
	gone, err := s.cluster.DeleteNamespace(ctx, project)
	if err != nil {
		return later(err)
	}
	if !gone {
		return bus.After(time.Second, fmt.Errorf("namespace %s is still being removed", record.Namespace(project)))
	}
	for _, app := range apps {
		if err := s.forget(ctx, st, app.Value); err != nil {
			return err
		}
	}
	return nil
}

// markRemoving makes every other handler of the app stop.
func (s *Service) markRemoving(ctx context.Context, st *state, project, app string) error {
	_, err := s.updateApp(ctx, st, project, app, func(a *record.App) { a.Status, a.Reason = record.AppRemoving, "" })
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// forget tells that an app is gone and removes what is known of it, the app's
// own record last: as long as it is there, a repetition finds the rest.
func (s *Service) forget(ctx context.Context, st *state, app record.App) error {
	key := fmt.Sprintf("%s.%s.%d", app.Project, app.Name, app.CreatedAt.UnixNano())
	removed := events.ServiceRemoved{Environment: environment(app.Project), Name: app.Name}
	if err := s.bus.Emit(ctx, removed, bus.For(app.Project, app.Name), bus.Key(key)); err != nil {
		return err
	}
	releases, err := st.releases.List(ctx, app.Project, app.Name)
	if err != nil {
		return err
	}
	for _, r := range releases {
		if err := st.releases.Delete(ctx, r.Key); err != nil {
			return err
		}
	}
	return st.apps.Delete(ctx, record.Key(app.Project, app.Name))
}
