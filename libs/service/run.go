// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/clock"
	"github.com/hydra-platform/hydra/libs/kube"
	"github.com/hydra-platform/hydra/libs/telemetry"
)

// Options of [Run].
type Options struct {
	NATS       *nats.Conn // closed by the caller after Run
	Kubeconfig string     // may not exist yet; empty: in-cluster
	ConfigFile string     // optional
	Log        zerolog.Logger
	Telemetry  *telemetry.Telemetry
	Replicas   int // of the streams
	Version    string

	// Override changes a unit's default configuration before file and
	// environment are read; cfg is what the unit's defaults returned.
	Override func(unit string, cfg any)
	// Ready is called when a unit takes events.
	Ready func(unit string)
}

// Run runs the units until ctx ends or one of them fails; then all stop.
func Run(ctx context.Context, opts Options, units ...Unit) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cluster := kube.NewLazy(opts.Kubeconfig)
	var wg sync.WaitGroup
	for _, u := range units {
		wg.Go(func() {
			if err := u.run(ctx, opts, cluster); err != nil && !errors.Is(err, context.Canceled) {
				cancel(fmt.Errorf("unit %s: %w", u.Name, err))
			}
		})
	}
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func (u Unit) run(ctx context.Context, opts Options, cluster *kube.Lazy) error {
	log := opts.Log.With().Str("unit", u.Name).Logger()
	ctx = log.WithContext(ctx)
	b, err := bus.New(ctx, opts.NATS, bus.Options{
		Unit: u.Name, Log: log, Metrics: opts.Telemetry.Metrics, Tracer: opts.Telemetry.Tracer, Replicas: opts.Replicas,
	})
	if err != nil {
		return err
	}
	override := func(cfg any) {
		if opts.Override != nil {
			opts.Override(u.Name, cfg)
		}
	}
	s, err := u.build(opts.ConfigFile, override, Deps{
		Bus: b, Kube: cluster, Log: log, Metrics: opts.Telemetry.Metrics, Clock: clock.System{}, Version: opts.Version,
	})
	if err != nil {
		return err
	}
	r := bus.NewRouter(u.Name)
	s.Register(r)
	bus.Emits(r, bus.Own()...)

	// Intake stops first: the service's own work ends while its handlers
	// drain, and the connection is closed last, by the caller.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for name, part := range map[string]func(context.Context) error{"handlers": func(ctx context.Context) error { return b.Run(ctx, r) }, "run": s.Run} {
		wg.Go(func() {
			err := part(ctx)
			if err == nil && ctx.Err() == nil {
				err = fmt.Errorf("%s ended by itself", name)
			}
			cancel(err)
		})
	}
	if opts.Ready != nil {
		opts.Ready(u.Name)
	}
	wg.Wait()
	return context.Cause(ctx)
}
