// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/clock"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/builder/buildkit"
	"github.com/hydra-platform/hydra/services/builder/git"
)

// Unit is the builder's definition.
var Unit = service.Define("builder", DefaultConfig, New)

// Service is the builder.
type Service struct {
	cfg    *Config
	bus    *bus.Bus
	clock  clock.Clock
	log    zerolog.Logger
	source Source
	solver Solver
	creds  *git.Credentials
	slots  chan struct{} // one for each build that may run

	mu   sync.Mutex
	away map[string]time.Time // guarded by mu: since when a build waits for BuildKit, by key
}

// Source is where commits come from; see [git.Source].
type Source interface {
	Fetch(ctx context.Context, repository, branch, sha, dir string) (git.Commit, error)
	Head(ctx context.Context, repository, branch string) (sha string, err error)
}

// Solver builds images; see [buildkit.Client].
type Solver interface {
	Solve(ctx context.Context, j buildkit.Job) (buildkit.Result, error)
}

// New makes the service and starts nothing.
func New(cfg *Config, d service.Deps) (*Service, error) {
	s := &Service{
		cfg: cfg, bus: d.Bus, clock: d.Clock, log: d.Log,
		slots: make(chan struct{}, cfg.Concurrency), away: map[string]time.Time{},
	}
	if s.clock == nil {
		s.clock = clock.System{}
	}
	if cfg.GitCredentials != "" {
		creds, err := git.ReadCredentials(cfg.GitCredentials)
		if err != nil {
			return nil, err
		}
		s.creds = creds
	}
	s.source = &git.Source{
		Local: cfg.LocalRepositories, Credentials: s.creds,
		Limits: git.Limits{Bytes: int64(cfg.MaxSourceMB) << 20, Files: cfg.MaxSourceFiles},
	}
	s.solver = &buildkit.Client{Address: cfg.BuildkitAddr, Registry: map[string]buildkit.Register{
		cfg.pushRegistry(): {Insecure: cfg.insecure(), User: cfg.RegistryUser, Password: cfg.RegistryPassword},
	}}
	return s, nil
}

// Register declares what comes in and what may go out.
func (s *Service) Register(r *bus.Router) {
	bus.On(r, s.onChangeMerged,
		events.BuildQueued{}, events.BuildStarted{}, events.TestSuiteRunStarted{}, events.TestSuiteRunFinished{},
		events.ArtifactPublished{}, events.BuildFinished{})
	bus.On(r, s.onBuildRequested,
		events.BuildQueued{}, events.BuildStarted{}, events.TestSuiteRunStarted{}, events.TestSuiteRunFinished{},
		events.ArtifactPublished{}, events.BuildFinished{})
	bus.Emits(r, events.BuildStarted{}, events.TestSuiteRunFinished{}, events.ArtifactPublished{}, events.BuildFinished{})
}

// Run ends builds that nobody works on any more, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	up := s.clock.Now()
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		if err := s.sweep(ctx, up); err != nil && ctx.Err() == nil {
			s.log.Warn().Err(err).Msg("looking for abandoned builds")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

func (s *Service) builds(ctx context.Context) (*store.Bucket[record.Build], error) {
	return store.Open[record.Build](ctx, s.bus.JetStream(), record.Builds)
}

// app returns what is known of an app; the zero value if that is nothing.
func (s *Service) app(ctx context.Context, project, name string) (record.App, bool, error) {
	apps, err := store.Open[record.App](ctx, s.bus.JetStream(), record.Apps)
	if err != nil {
		return record.App{}, false, err
	}
	app, err := apps.Get(ctx, record.Key(project, name))
	if isNotFound(err) {
		return record.App{}, false, nil
	}
	return app, err == nil, err
}
