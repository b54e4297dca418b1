// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/clock"
	"github.com/hydra-platform/hydra/libs/kube"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/observer/prometheus"
	"github.com/hydra-platform/hydra/services/observer/telemetryset"
)

// Unit is the observer's definition.
var Unit = service.Define("observer", DefaultConfig, New)

// Service watches, measures and rolls out telemetry. Make it with [New].
type Service struct {
	cfg   *Config
	bus   *bus.Bus
	kube  *kube.Lazy
	clock clock.Clock
}

// New returns the service; nothing is started.
func New(cfg *Config, d service.Deps) (*Service, error) {
	return &Service{cfg: cfg, bus: d.Bus, kube: d.Kube, clock: d.Clock}, nil
}

// Register says what may go out. The observer consumes no event: the cluster
// is its input.
func (s *Service) Register(r *bus.Router) {
	bus.Emits(r,
		events.IncidentDetected{}, events.IncidentResolved{},
		events.WorkloadMeasured{},
		events.TelemetryRolledOut{}, events.TelemetryVerified{}, events.TelemetryFailed{},
	)
}

type buckets struct {
	apps      *store.Bucket[record.App]
	releases  *store.Bucket[record.Release]
	incidents *store.Bucket[record.Incident]
	loads     *store.Bucket[record.Load]
	telemetry *store.Bucket[record.Telemetry]
}

func (s *Service) open(ctx context.Context) (b *buckets, err error) {
	js := s.bus.JetStream()
	b = &buckets{}
	if b.apps, err = store.Open[record.App](ctx, js, record.Apps); err != nil {
		return nil, err
	}
	if b.releases, err = store.Open[record.Release](ctx, js, record.Releases); err != nil {
		return nil, err
	}
	if b.incidents, err = store.Open[record.Incident](ctx, js, record.Incidents); err != nil {
		return nil, err
	}
	if b.loads, err = store.Open[record.Load](ctx, js, record.Loads); err != nil {
		return nil, err
	}
	b.telemetry, err = store.Open[record.Telemetry](ctx, js, record.TelemetrySets)
	return b, err
}

// Run waits for the cluster and then watches it, measures its apps and keeps
// its telemetry set working.
func (s *Service) Run(ctx context.Context) error {
	b, err := s.open(ctx)
	if err != nil {
		return err
	}
	client, err := s.cluster(ctx)
	if err != nil {
		return err
	}
	metrics, err := s.metrics(client)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	if s.cfg.Telemetry {
		r := &rollout{Service: s, client: client, b: b, values: telemetryset.Values{
			PrometheusImage: s.cfg.PrometheusImage, CollectorImage: s.cfg.CollectorImage, EntryTarget: s.cfg.EntryTarget,
		}}
		group.Go(func() error { return r.lead(ctx) })
	}
	h := &hosts{name: map[appKey]string{}}
	group.Go(func() error {
		return repeat(ctx, "apps", func() error { return h.follow(ctx, b) })
	})
	group.Go(func() error {
		w, err := newWatch(ctx, client.Typed)
		if err != nil {
			return err
		}
		group.Go(func() error { return s.measure(ctx, b, metrics, w, h) })
		l := &ledger{bus: s.bus, bucket: b.incidents, releases: b.releases, settle: s.cfg.SettleAfter}
		return repeat(ctx, "incidents", func() error { return s.observe(ctx, w, l) })
	})
	return group.Wait()
}

// cluster waits until there is one that answers.
func (s *Service) cluster(ctx context.Context) (*kube.Client, error) {
	for {
		client, err := s.kube.Get()
		if err == nil {
			_, err = client.Typed.Discovery().ServerVersion()
		}
		if err == nil {
			return client, nil
		}
		zerolog.Ctx(ctx).Debug().Err(err).Msg("waiting for the cluster")
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (s *Service) metrics(client *kube.Client) (*prometheus.Client, error) {
	if s.cfg.PrometheusURL != "" {
		return prometheus.New(s.cfg.PrometheusURL, nil)
	}
	return prometheus.ThroughCluster(client.Config, s.cfg.Namespace, s.cfg.PrometheusService)
}

// repeat repeats what ended although the service did not, after a second.
func repeat(ctx context.Context, what string, do func() error) error {
	for {
		err := do()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		zerolog.Ctx(ctx).Warn().Err(fmt.Errorf("%s: %w", what, err)).Msg("ended, beginning again")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
