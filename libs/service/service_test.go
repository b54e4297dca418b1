// SPDX-License-Identifier: Apache-2.0

package service_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/natsd/natsdtest"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/telemetry"
)

type echoConfig struct {
	Fail error            `json:"-"`
	Stop bool             `json:"stop" env:"STOP"`
	Done chan events.Meta `json:"-"`
}

func (c *echoConfig) Validate() error { return nil }

type echo struct {
	cfg *echoConfig
	bus *bus.Bus
}

func (e *echo) Register(r *bus.Router) {
	bus.On(r, e.onChange, events.BuildQueued{})
}

func (e *echo) onChange(ctx context.Context, ev events.Event[events.ChangeMerged]) error {
	if err := e.bus.Emit(ctx, events.BuildQueued{BuildID: "b1"}); err != nil {
		return err
	}
	e.cfg.Done <- ev.Meta
	return nil
}

func (e *echo) Run(ctx context.Context) error {
	if e.cfg.Fail != nil || e.cfg.Stop {
		return e.cfg.Fail
	}
	<-ctx.Done()
	return ctx.Err()
}

func unit(name string) service.Unit {
	return service.Define(name, func() *echoConfig { return &echoConfig{Done: make(chan events.Meta, 1)} },
		func(cfg *echoConfig, d service.Deps) (*echo, error) { return &echo{cfg: cfg, bus: d.Bus}, nil })
}

func options(t *testing.T, override func(unit string, cfg any)) service.Options {
	t.Helper()
	_, nc := natsdtest.Start(t)
	return service.Options{NATS: nc, Kubeconfig: t.TempDir() + "/none", Log: zerolog.Nop(), Telemetry: telemetry.New("test", ""), Override: override}
}

func TestRoutesAreKnownWithoutStarting(t *testing.T) {
	t.Parallel()
	routes := unit("echo").Routes
	require.Len(t, routes, 1)
	require.Equal(t, events.ChangeMerged{}.EventType(), routes[0].In)
	require.Equal(t, []events.Type{events.BuildQueued{}.EventType()}, routes[0].Out)
}

func TestUnitsOfOneProcessEachGetTheEvent(t *testing.T) {
	t.Parallel()
	done := make(chan events.Meta, 2)
	opts := options(t, func(_ string, cfg any) { cfg.(*echoConfig).Done = done })
	ready := make(chan string, 2)
	opts.Ready = func(u string) { ready <- u }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx, opts, unit("one"), unit("two")) }()
	<-ready
	<-ready
	b, err := bus.New(ctx, opts.NATS, bus.Options{Unit: "test", Log: zerolog.Nop()})
	require.NoError(t, err)
	require.NoError(t, b.Emit(ctx, events.ChangeMerged{ChangeID: "1"}, bus.For("acme", "shop")))
	for range 2 {
		select {
		case m := <-done:
			require.Equal(t, "acme.shop", m.Key())
		case <-time.After(10 * time.Second):
			t.Fatal("a unit did not get the event")
		}
	}
	cancel()
	require.NoError(t, <-ended, "a stop that was asked for is no error")
}

func TestAFailingUnitEndsTheProcessAndIsNamed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*echoConfig)
		want  string
	}{
		"Error":  {func(c *echoConfig) { c.Fail = errors.New("disk is gone") }, "unit two: disk is gone"},
		"Return": {func(c *echoConfig) { c.Stop = true }, "unit two: run ended by itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options(t, func(u string, cfg any) {
				if u == "two" {
					tc.spoil(cfg.(*echoConfig))
				}
			})
			require.EqualError(t, service.Run(t.Context(), opts, unit("one"), unit("two")), tc.want)
		})
	}
}
