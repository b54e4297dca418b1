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
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/deployer/cluster"
)

// onApplicationRemovalRequested removes every object of every revision, waits
// until the last pod is gone, and forgets the app.
func (s *Service) onApplicationRemovalRequested(ctx context.Context, e events.Event[events.ApplicationRemovalRequested]) error {
	st, err := s.open(ctx)
	if err != nil {
		return err
	}
	app, err := st.apps.Get(ctx, record.Key(e.Project, e.Data.Name))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.markRemoving(ctx, st, app.Project, app.Name); err != nil {
		return err
	}
	releases, err := s.history(ctx, st, app.Project, app.Name)
	if err != nil {
		return err
	}
	if len(releases) > 0 {
		owner := cluster.Owner{Project: app.Project, App: app.Name}
		left, err := s.cluster.Delete(ctx, owner, refs(releases))
		if err != nil {
			return later(err)
		}
		pods, err := s.cluster.Pods(ctx, owner)
		if err != nil {
			return later(err)
		}
		if len(left)+pods > 0 {
			return bus.After(500*time.Millisecond, fmt.Errorf("%d objects and %d pods of %s are still being removed", len(left), pods, app.Name))
		}
	}
	return s.forget(ctx, st, app)
}

// refs lists every object of the releases once, the newest release first.
func refs(releases []record.Release) []record.ObjectRef {
	var out []record.ObjectRef
	seen := map[record.ObjectRef]bool{}
	for i := len(releases) - 1; i >= 0; i-- {
		for _, ref := range releases[i].Objects {
			if !seen[ref] {
				seen[ref] = true
				out = append(out, ref)
			}
		}
	}
	return out
}
