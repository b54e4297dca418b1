// SPDX-License-Identifier: Apache-2.0

package deployer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/store"
)

// onRollbackRequested makes a revision that is like an earlier one.
func (s *Service) onRollbackRequested(ctx context.Context, e events.Event[events.RollbackRequested]) error {
	st, err := s.open(ctx)
	if err != nil {
		return err
	}
	name := e.Data.Name
	app, err := st.apps.Get(ctx, record.Key(e.Project, name))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	refuse := func(reason, message string) error {
		return s.bus.Emit(ctx, events.RolloutFailed{Revision: e.Data.Revision, Reason: reason, Message: message}, bus.For(e.Project, name))
	}
	if err != nil || app.Status == record.AppRemoving {
		return refuse("NoSuchApp", fmt.Sprintf("there is no app %s", name))
	}
	releases, err := s.history(ctx, st, e.Project, name)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(releases, func(r record.Release) bool { return r.CauseID == e.ID }); i >= 0 {
		return s.drive(ctx, st, releases[i])
	}
	target := rollbackTarget(releases, e.Data.Revision)
	if target == nil {
		if e.Data.Revision == 0 {
			return refuse("NoSuchRevision", fmt.Sprintf("%s has no earlier healthy revision that differs from the current one", name))
		}
		return refuse("NoSuchRevision", fmt.Sprintf("%s has no revision %d that was ever healthy; see the list of its releases", name, e.Data.Revision))
	}
	return s.deploy(ctx, st, record.Release{
		Project: e.Project, App: name, Cause: causeRollback, CauseID: e.ID, CorrelationID: e.CorrelationID,
		BuildID: target.BuildID, SHA: target.SHA, Image: target.Image, ArtifactID: target.ArtifactID, Spec: target.Spec, SpecPath: target.SpecPath,
		Message: fmt.Sprintf("back to revision %d, asked for%s", target.Revision, by(e.Data.By)),
	})
}

// rollbackTarget is the revision that was asked for, or for 0 the last one
// that was healthy before the current one and differs from it.
func rollbackTarget(releases []record.Release, revision int) *record.Release {
	current := lastHealthy(releases, nil)
	for i := len(releases) - 1; i >= 0; i-- {
		r := &releases[i]
		switch {
		case !wasHealthy(*r):
		case revision == r.Revision:
			return r
		case revision == 0 && current != nil && r.Revision < current.Revision && (r.Spec != current.Spec || r.Image != current.Image):
			return r
		}
	}
	return nil
}
