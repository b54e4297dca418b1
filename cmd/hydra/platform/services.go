// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/supervise"
	"github.com/hydra-platform/hydra/libs/telemetry"
	"github.com/hydra-platform/hydra/services/gateway"
)

// unitStates remembers which units take events.
type unitStates struct {
	mu    sync.Mutex
	names []string
	ready map[string]bool // guarded by mu
}

func newUnitStates(units []service.Unit) *unitStates {
	s := &unitStates{ready: map[string]bool{}}
	for _, u := range units {
		s.names = append(s.names, u.Name)
	}
	return s
}

func (s *unitStates) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.ready)
}

func (s *unitStates) set(unit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready[unit] = true
}

func (s *unitStates) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var missing []string
	for _, name := range s.names {
		if !s.ready[name] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return errors.New("not ready yet: " + strings.Join(missing, ", "))
	}
	return nil
}

// servicesPart runs the units in this process, exactly as they run in
// processes of their own elsewhere; only addresses differ. It waits for
// BuildKit so that, when stopping, builds end before BuildKit does.
func (p *Platform) servicesPart() supervise.Part {
	return supervise.Part{
		Name: "services", After: []string{"jetstream", "registry", "buildkit"}, StopTimeout: 30 * time.Second,
		Run: func(ctx context.Context) error {
			p.units.reset()
			nc, err := p.connect("hydra")
			if err != nil {
				return err
			}
			defer nc.Close()
			js, err := jetstream.New(nc)
			if err != nil {
				return fmt.Errorf("open JetStream: %w", err)
			}
			if err := gateway.Bootstrap(ctx, js, p.token); err != nil {
				return err
			}
			if p.hasEntry() {
				// The link is there a moment after the node was started; where it
				// is not, only the request metrics are missing.
				for i := 0; i < 250 && p.entryTarget() == ""; i++ {
					pause(ctx, 20*time.Millisecond)
				}
				relay, stopRelay := context.WithCancel(ctx)
				var relaying sync.WaitGroup
				relaying.Go(func() { p.relayMetrics(relay) })
				defer relaying.Wait()
				defer stopRelay()
			}
			tel := telemetry.New("hydra", p.opts.Version)
			defer func() { _ = tel.Shutdown(context.WithoutCancel(ctx)) }()
			return service.Run(ctx, service.Options{
				NATS: nc, Kubeconfig: p.kubeconfig(), ConfigFile: p.opts.ConfigFile, Log: p.log, Telemetry: tel,
				Replicas: 1, Version: p.opts.Version, Override: p.wire, Ready: p.units.set,
			}, p.opts.Units...)
		},
		Ready: func(ctx context.Context) error {
			if err := p.units.err(); err != nil {
				return err
			}
			if !p.opts.runs("gateway") {
				return nil
			}
			if err := get(ctx, p.gatewayURL()+"/readyz"); err != nil {
				return fmt.Errorf("the gateway does not answer yet: %w", err)
			}
			return nil
		},
	}
}
