// SPDX-License-Identifier: Apache-2.0

package provisioner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/provisioner/plan"
	"github.com/hydra-platform/hydra/services/provisioner/spec"
)

// onPlanRequested makes the plan, once for each id, and announces it.
func (s *Service) onPlanRequested(ctx context.Context, e events.Event[events.PlanRequested]) error {
	plans, err := store.Open[record.Plan](ctx, s.bus.JetStream(), record.Clusters)
	if err != nil {
		return err
	}
	id := e.Data.PlanID
	if id == "" {
		sum := sha256.Sum256([]byte(e.ID))
		id = "p" + hex.EncodeToString(sum[:6])
	}
	if err := events.ValidateName("cluster", e.Data.Name); err != nil {
		return s.bus.Emit(ctx, events.InfrastructurePlanFailed{Name: e.Data.Name, PlanID: id, Reason: err.Error()})
	}
	key := record.Key(e.Data.Name, id)
	p, err := plans.Get(ctx, key)
	switch {
	case err == nil && p.Phase.Terminal(): // made before a crash; announce it
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	default:
		if p, err = s.make(ctx, e.Data); err != nil {
			return err
		}
		// The time of the request, so that a second delivery changes nothing.
		p.ID, p.Cluster, p.CreatedAt = id, e.Data.Name, e.Time
		if err := plans.Put(ctx, key, p); err != nil {
			return err
		}
	}
	if p.Phase == record.Failed {
		return s.bus.Emit(ctx, events.InfrastructurePlanFailed{Name: p.Cluster, PlanID: p.ID, Reason: p.Reason})
	}
	out := events.InfrastructurePlanned{Name: p.Cluster, PlanID: p.ID, Monthly: p.Monthly}
	for _, r := range p.Resources {
		switch r.Action {
		case plan.Create:
			out.Create++
		case plan.Change:
			out.Change++
		case plan.Replace:
			out.Replace++
		case plan.Delete:
			out.Delete++
		}
	}
	return s.bus.Emit(ctx, out)
}

// make returns the plan, or one that says why there is none. Its error is for
// what has nothing to do with the request.
func (s *Service) make(ctx context.Context, request events.PlanRequested) (record.Plan, error) {
	failed := func(err error) (record.Plan, error) {
		return record.Plan{Phase: record.Failed, Reason: err.Error(), Resources: []record.PlanResource{}}, nil
	}
	c, err := spec.Parse([]byte(request.Spec))
	if err != nil {
		return failed(err)
	}
	if c.Metadata.Name != request.Name {
		return failed(fmt.Errorf("metadata.name is %q and the request is for %q; name the same cluster", c.Metadata.Name, request.Name))
	}
	owner, err := s.owner(ctx)
	if err != nil {
		return record.Plan{}, err
	}
	seen, err := s.look(ctx, c, owner)
	if ctx.Err() != nil {
		return record.Plan{}, ctx.Err()
	}
	if err != nil {
		return failed(err)
	}
	p, err := plan.Make(c, seen)
	if err != nil {
		return failed(err)
	}
	return p, nil
}
