// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/clock"
	"github.com/hydra-platform/hydra/libs/service"
)

// Unit is the gateway's definition.
var Unit = service.Define("gateway", DefaultConfig, New)

// Service is the gateway.
type Service struct {
	cfg     *Config
	deps    service.Deps
	bus     *bus.Bus
	clock   clock.Clock
	metrics *metrics
	mux     *http.ServeMux
	api     huma.API
	openapi []byte

	projects   bucket[record.Project]
	webhooks   bucket[record.Webhook]
	tokens     bucket[record.Token]
	apps       bucket[record.App]
	releases   bucket[record.Release]
	builds     bucket[record.Build]
	incidents  bucket[record.Incident]
	loads      bucket[record.Load]
	scaling    bucket[record.ScaleTarget]
	clusters   bucket[record.Plan]
	deliveries bucket[delivered]

	stopping chan struct{} // closed when streams have to end
	address  atomic.Pointer[string]
}

// New builds the service and its routes. It starts nothing.
func New(cfg *Config, d service.Deps) (*Service, error) {
	s := &Service{cfg: cfg, deps: d, bus: d.Bus, clock: d.Clock, stopping: make(chan struct{})}
	if s.clock == nil {
		s.clock = clock.System{}
	}
	var err error
	if s.metrics, err = newMetrics(d.Metrics); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	s.projects.open = opener[record.Project](s, record.Projects)
	s.webhooks.open = opener[record.Webhook](s, record.Webhooks)
	s.tokens.open = opener[record.Token](s, record.Tokens)
	s.apps.open = opener[record.App](s, record.Apps)
	s.releases.open = opener[record.Release](s, record.Releases)
	s.builds.open = opener[record.Build](s, record.Builds)
	s.incidents.open = opener[record.Incident](s, record.Incidents)
	s.loads.open = opener[record.Load](s, record.Loads)
	s.scaling.open = opener[record.ScaleTarget](s, record.Scaling)
	s.clusters.open = opener[record.Plan](s, record.Clusters)
	s.deliveries.open = s.openDeliveries
	return s, s.routes()
}

// Register declares what the gateway handles, which is what it owns, and what
// the API and the webhooks emit.
func (s *Service) Register(r *bus.Router) {
	bus.On(r, s.onProjectCreated)
	bus.On(r, s.onProjectDeleted)
	bus.On(r, s.onWebhookDeleted)
	bus.On(r, s.onTokenRevoked)
	bus.Emits(r,
		events.ProjectCreated{}, events.ProjectDeleted{},
		events.WebhookCreated{}, events.WebhookDeleted{},
		events.TokenCreated{}, events.TokenRevoked{},
		events.ApplicationRequested{}, events.ApplicationRemovalRequested{},
		events.ChangeMerged{}, events.BuildRequested{},
		events.RollbackRequested{}, events.ScalingRequested{},
		events.PlanRequested{},
	)
}

// Run serves HTTP until ctx ends. Intake stops first: streams end at once,
// requests under way get the drain time.
func (s *Service) Run(ctx context.Context) error {
	listener := s.cfg.Listener
	if listener == nil {
		var err error
		if listener, err = net.Listen("tcp", s.cfg.Listen); err != nil {
			return fmt.Errorf("listen on %s: %w; choose another address with HYDRA_GATEWAY_LISTEN", s.cfg.Listen, err)
		}
	}
	defer func() { _ = listener.Close() }()
	if err := s.openRaw(ctx); err != nil {
		return err
	}
	address := listener.Addr().String()
	s.address.Store(&address)

	log := s.deps.Log
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return log.WithContext(context.WithoutCancel(ctx)) },
	}
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		close(s.stopping)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Drain)
		defer cancel()
		if err := srv.Shutdown(grace); err != nil {
			_ = srv.Close() // what did not end in time is cut off
		}
	})
	log.Info().Str("address", address).Msg("gateway answers")
	if s.cfg.OnListen != nil {
		s.cfg.OnListen(listener.Addr())
	}
	err := srv.Serve(listener)
	if stop() {
		return fmt.Errorf("serve on %s: %w", address, err)
	}
	<-drained
	return nil
}

// baseURL is where the gateway is reached from outside.
func (s *Service) baseURL() string {
	if s.cfg.PublicURL != "" {
		return s.cfg.PublicURL
	}
	if a := s.address.Load(); a != nil {
		return "http://" + *a
	}
	return "http://" + s.cfg.Listen
}

func (s *Service) js() jetstream.JetStream { return s.bus.JetStream() }

func (s *Service) log(ctx context.Context) *zerolog.Logger {
	if l := zerolog.Ctx(ctx); l.GetLevel() != zerolog.Disabled {
		return l
	}
	return &s.deps.Log
}

var _ service.Service = (*Service)(nil)
