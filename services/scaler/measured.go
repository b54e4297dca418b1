// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/services/scaler/replicas"
)

// onWorkloadMeasured looks at the app at once. The measurement itself is read
// from the store, where it may be newer than in the event.
func (s *Service) onWorkloadMeasured(ctx context.Context, e events.Event[events.WorkloadMeasured]) error {
	return notYet(s.reconcile(ctx, e.Project, e.App))
}

// notYet asks for the event again when there is no cluster to work on.
func notYet(err error) error {
	if errors.Is(err, replicas.ErrNoCluster) {
		return bus.After(2*time.Second, err)
	}
	return err
}
