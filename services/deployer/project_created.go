// SPDX-License-Identifier: Apache-2.0

package deployer

import (
	"context"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/bus"
)

// onProjectCreated gives the project its namespace. Each roll-out makes sure
// of it again, so that one that was lost comes back.
func (s *Service) onProjectCreated(ctx context.Context, e events.Event[events.ProjectCreated]) error {
	if err := events.ValidateName("project", e.Data.Name); err != nil {
		return bus.Permanent(err)
	}
	return later(s.cluster.EnsureNamespace(ctx, e.Data.Name))
}
