// SPDX-License-Identifier: Apache-2.0

package deployer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/clock"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/deployer/cluster"
)

// Unit is the deployer's definition.
var Unit = service.Define("deployer", DefaultConfig, New)

// Service is the deployer.
type Service struct {
	cfg     *Config
	bus     *bus.Bus
	cluster *cluster.Cluster
	deps    service.Deps
	clock   clock.Clock

	mu    sync.Mutex
	state *state // guarded by mu; nil until first needed
}

// New constructs the deployer.
func New(cfg *Config, d service.Deps) (*Service, error) {
	s := &Service{cfg: cfg, bus: d.Bus, cluster: cluster.New(d.Kube), deps: d, clock: d.Clock}
	if s.clock == nil {
		s.clock = clock.System{}
	}
	return s, nil
}

// Register declares what comes in and what may go out.
func (s *Service) Register(r *bus.Router) {
	rollout := []events.Payload{
		events.RolloutStarted{}, events.ServiceDeployed{}, events.ServiceUpgraded{}, events.RolloutFailed{}, events.ServiceRolledBack{},
	}
	bus.On(r, s.onProjectCreated)
	bus.On(r, s.onProjectDeleted, events.ServiceRemoved{})
	bus.On(r, s.onApplicationRequested, rollout...)
	bus.On(r, s.onApplicationRemovalRequested, events.ServiceRemoved{})
	bus.On(r, s.onArtifactPublished, rollout...)
	bus.On(r, s.onRollbackRequested, rollout...)
}

// state is what the deployer keeps in NATS.
type state struct {
	apps     *store.Bucket[record.App]
	releases *store.Bucket[record.Release]
}

// open returns the buckets, which are there from the first use on.
func (s *Service) open(ctx context.Context) (*state, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != nil {
		return s.state, nil
	}
	apps, err := store.Open[record.App](ctx, s.bus.JetStream(), record.Apps)
	if err != nil {
		return nil, err
	}
	releases, err := store.Open[record.Release](ctx, s.bus.JetStream(), record.Releases)
	if err != nil {
		return nil, err
	}
	s.state = &state{apps, releases}
	return s.state, nil
}

// later turns errors that time alone mends into [bus.After].
func later(err error) error {
	var refused *cluster.Refused
	switch {
	case err == nil:
		return nil
	case errors.Is(err, cluster.ErrUnreachable), errors.Is(err, cluster.ErrNotYet):
		return bus.After(2*time.Second, err)
	case errors.As(err, &refused):
		return bus.Permanent(err)
	}
	return err
}
