// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"fmt"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
)

// onScalingRequested fixes the number of replicas, or hands the app back to
// its policy.
func (s *Service) onScalingRequested(ctx context.Context, e events.Event[events.ScalingRequested]) error {
	if n := e.Data.Replicas; n != nil && (*n < 0 || *n > s.cfg.MaxManual) {
		return bus.Permanent(fmt.Errorf("scale %s to %d: want 0 to %d replicas", e.Data.Name, *n, s.cfg.MaxManual))
	}
	b, err := s.buckets(ctx)
	if err != nil {
		return err
	}
	_, err = b.targets.Update(ctx, record.Key(e.Project, e.App), func(t *record.ScaleTarget, _ bool) error {
		if e.Sequence < t.Requested {
			return nil // delivered again after a later request was obeyed
		}
		t.Project, t.App, t.Requested = e.Project, e.App, e.Sequence
		t.Policy.Manual = e.Data.Replicas
		return nil
	})
	if err != nil {
		return err
	}
	return notYet(s.reconcile(ctx, e.Project, e.App))
}
