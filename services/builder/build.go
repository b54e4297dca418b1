// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/services/builder/buildkit"
	"github.com/hydra-platform/hydra/services/builder/detect"
	"github.com/hydra-platform/hydra/services/builder/git"
)

// A build is one run through the steps.
type build struct {
	rec    record.Build
	dir    string // temporary, with everything below
	src    string // the commit's files
	commit git.Commit
	plan   detect.Plan
	log    *journal
	hide   *strings.Replacer // takes secrets out of what people see
	user   map[string][]byte // the project's own build secrets
}

// failure is why a commit cannot be built, in words for its author.
type failure struct{ reason string }

func (f failure) Error() string { return f.reason }

func failf(format string, args ...any) error { return failure{fmt.Sprintf(format, args...)} }

// steps are what a build consists of, in order. Each is given what the ones
// before it found.
func (s *Service) steps() []struct {
	name string
	run  func(context.Context, *build) error
} {
	return []struct {
		name string
		run  func(context.Context, *build) error
	}{
		{"fetch", s.fetch},
		{"detect", s.detect},
		{"test", s.test},
		{"image", s.image},
	}
}

// work brings a build to its end, from wherever it is.
func (s *Service) work(ctx context.Context, rec record.Build) error {
	if rec.Phase.Terminal() {
		return s.announce(ctx, &rec)
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if rec.Starts >= maxStarts {
		return s.finish(ctx, &rec, func(r *record.Build) {
			r.Phase, r.Reason = record.Failed, fmt.Sprintf("the builder stopped %d times while it worked on this; see its log, then request the build again", rec.Starts)
		})
	}
	b, err := s.begin(ctx, rec)
	if err != nil {
		return err
	}
	err = s.run(ctx, b)
	// Only the end of a build ends its log: whoever follows one that waits or
	// begins anew goes on reading.
	if final := err == nil || errors.As(err, new(failure)); final {
		err = errors.Join(err, b.log.Close())
	} else {
		b.log.Flush()
	}
	return s.settle(ctx, b, errors.Join(err, os.RemoveAll(b.dir)))
}

// begin prepares a run: state, directory, log.
func (s *Service) begin(ctx context.Context, rec record.Build) (*build, error) {
	err := s.change(ctx, &rec, func(r *record.Build) {
		r.Phase, r.Starts, r.BegunAt = record.Running, r.Starts+1, s.clock.Now()
		if r.StartedAt.IsZero() {
			r.StartedAt = r.BegunAt
		}
	})
	if err != nil {
		return nil, err
	}
	secrets, err := s.userSecrets(rec.Project)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hydra-build-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for build %s: %w", rec.ID, err)
	}
	hidden := s.hidden(secrets)
	b := &build{rec: rec, dir: dir, hide: replacer(hidden), user: secrets}
	b.log = newJournal(ctx, s.bus.JetStream(), record.LogSubject(rec.Project, rec.App, "build", rec.ID), hidden)
	b.log.Printf("build %s, attempt %d: %s/%s at %s of %s", rec.ID, rec.Attempt, rec.Project, rec.App, rec.Commit.SHA, rec.Commit.Repository)
	if rec.Starts > 1 {
		b.log.Printf("begun again, after an interruption")
	}
	return b, nil
}

// run goes through the steps until one fails.
func (s *Service) run(ctx context.Context, b *build) error {
	for _, step := range s.steps() {
		limit, setting := s.cfg.BuildTimeout, "buildTimeout"
		if step.name == "test" {
			limit, setting = s.cfg.TestTimeout, "testTimeout"
		}
		late := fmt.Errorf("it took longer than %s, the limit that %s sets", limit, setting)
		limited, cancel := context.WithTimeoutCause(ctx, limit, late)
		begun := time.Now()
		err := step.run(limited, b)
		tooLate := limited.Err() != nil && ctx.Err() == nil && errors.Is(context.Cause(limited), late)
		cancel()
		if tooLate && err != nil && !errors.As(err, new(failure)) {
			err = failf("step %s: %v", step.name, err)
		}
		if err != nil {
			switch {
			case errors.As(err, new(failure)):
				b.log.Printf("failed: %v", err)
			case errors.Is(err, buildkit.ErrUnavailable):
				b.log.Printf("waiting: %v", err)
			}
			return err
		}
		zerolog.Ctx(ctx).Debug().Str("build", b.rec.ID).Str("step", step.name).Dur("took", time.Since(begun)).Msg("step done")
	}
	b.log.Printf("published %s", b.rec.Image)
	return nil
}

// settle turns how a run ended into the build's state and the handler's
// outcome.
func (s *Service) settle(ctx context.Context, b *build, err error) error {
	var fail failure
	switch {
	case err == nil:
		s.back(b.rec)
		return s.finish(ctx, &b.rec, func(r *record.Build) { r.Phase, r.Reason = record.Succeeded, "" })
	case errors.As(err, &fail):
		s.back(b.rec)
		reason := b.hide.Replace(fail.reason)
		return s.finish(ctx, &b.rec, func(r *record.Build) { r.Phase, r.Reason = record.Failed, reason })
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, buildkit.ErrUnavailable):
		waited := s.gone(b.rec)
		if waited < s.cfg.BuildkitWait {
			// Not a start that counts: the build is not what stopped it.
			if err := s.change(ctx, &b.rec, func(r *record.Build) { r.Starts-- }); err != nil {
				return err
			}
			return bus.After(min(time.Second+waited/4, 15*time.Second), err)
		}
		s.back(b.rec)
		reason := b.hide.Replace(fmt.Sprintf("%v; waited %s for it", err, waited.Round(time.Second)))
		return s.finish(ctx, &b.rec, func(r *record.Build) { r.Phase, r.Reason = record.Failed, reason })
	}
	return err
}

// gone returns for how long the build waits for BuildKit by now.
func (s *Service) gone(rec record.Build) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, ok := s.away[key(rec)]
	if !ok {
		since = s.clock.Now()
		s.away[key(rec)] = since
	}
	return s.clock.Now().Sub(since)
}

func (s *Service) back(rec record.Build) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.away, key(rec))
}

// suiteFinished is the event about the tests of a build.
func suiteFinished(rec record.Build, began time.Time) events.TestSuiteRunFinished {
	run := events.TestSuiteRunFinished{
		Environment: events.Reference{ID: "build"}, TestSuite: suite(rec),
		RunID: runID(rec), BuildID: rec.ID,
	}
	if rec.Tests != nil {
		run.Outcome, run.Passed, run.Failed, run.Skipped = rec.Tests.Outcome, rec.Tests.Passed, rec.Tests.Failed, rec.Tests.Skipped
		run.Duration = max(0, time.Since(began).Seconds())
	}
	if run.Outcome != events.Success {
		run.Reason = rec.Reason
	}
	return run
}

func runID(rec record.Build) string { return fmt.Sprintf("%s-tests-%d", rec.ID, rec.Attempt) }

func suite(rec record.Build) *events.TestSuite {
	return &events.TestSuite{ID: rec.App + "-tests", Name: "tests of " + rec.App}
}
