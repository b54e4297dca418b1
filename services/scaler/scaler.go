// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"fmt"
	"sync"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/clock"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/scaler/replicas"
)

// Unit is the scaler's definition.
var Unit = service.Define("scaler", DefaultConfig, New)

// Service scales apps. Make it with [New].
type Service struct {
	cfg      *Config
	bus      *bus.Bus
	clock    clock.Clock
	replicas Replicas
	busy     locks

	mu   sync.Mutex
	open *buckets // guarded by mu
}

type buckets struct {
	apps    *store.Bucket[record.App]
	loads   *store.Bucket[record.Load]
	targets *store.Bucket[record.ScaleTarget]
}

// New returns the service; nothing is started.
func New(cfg *Config, d service.Deps) (*Service, error) {
	return &Service{cfg: cfg, bus: d.Bus, clock: d.Clock, replicas: replicas.New(d.Kube)}, nil
}

// Register says what comes in and what may go out.
func (s *Service) Register(r *bus.Router) {
	bus.On(r, s.onWorkloadMeasured, events.ScalingDecided{}, events.WorkloadScaled{})
	bus.On(r, s.onScalingRequested, events.ScalingDecided{}, events.WorkloadScaled{})
	bus.Emits(r, events.ScalingDecided{}, events.WorkloadScaled{})
}

// buckets opens the KV buckets at first use.
func (s *Service) buckets(ctx context.Context) (*buckets, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		return s.open, nil
	}
	js := s.bus.JetStream()
	apps, err := store.Open[record.App](ctx, js, record.Apps)
	if err != nil {
		return nil, err
	}
	loads, err := store.Open[record.Load](ctx, js, record.Loads)
	if err != nil {
		return nil, err
	}
	targets, err := store.Open[record.ScaleTarget](ctx, js, record.Scaling)
	if err != nil {
		return nil, err
	}
	s.open = &buckets{apps: apps, loads: loads, targets: targets}
	return s.open, nil
}

// locks lets one key be worked on by one goroutine at a time. Two processes
// are kept apart by the revisions of the store.
type locks struct {
	mu   sync.Mutex
	held map[string]chan struct{} // guarded by mu; closed when released
}

func (l *locks) acquire(ctx context.Context, key string) (release func(), err error) {
	for {
		l.mu.Lock()
		other, taken := l.held[key]
		if !taken {
			if l.held == nil {
				l.held = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			l.held[key] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, key)
				l.mu.Unlock()
				close(mine)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", key, ctx.Err())
		}
	}
}
