// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/store"
)

const (
	// maxStarts ends a build that takes its builder down with it each time.
	maxStarts = 8
	// forgotten is when the stream no longer recognises an id, less a margin:
	// after that the history is asked before an event is emitted again.
	forgotten = 8 * time.Minute
	// abandoned is how much longer than its time limits a build may look busy
	// before [Service.sweep] ends it.
	abandoned = 30 * time.Minute
)

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

func key(b record.Build) string { return record.Key(b.Project, b.App, b.ID) }

// accept returns the build of a commit. begin decides whether the event makes
// a new attempt of it; the first makes the build.
func (s *Service) accept(ctx context.Context, m events.Meta, commit events.Commit, begin func(rec *record.Build, exists bool) bool) (record.Build, error) {
	bucket, err := s.builds(ctx)
	if err != nil {
		return record.Build{}, err
	}
	id := record.BuildID(m.Project, m.App, commit.SHA)
	rec, err := bucket.Update(ctx, record.Key(m.Project, m.App, id), func(rec *record.Build, exists bool) error {
		if !begin(rec, exists) {
			return nil
		}
		*rec = record.Build{
			ID: id, Project: m.Project, App: m.App, Commit: commit, Phase: record.Queued, Attempt: rec.Attempt + 1,
			CorrelationID: m.CorrelationID, Cause: m.ID, QueuedAt: s.clock.Now(),
		}
		return nil
	})
	if err != nil {
		return rec, err
	}
	return rec, s.emit(ctx, &rec, events.BuildQueued{BuildID: rec.ID, Commit: rec.Commit})
}

// change writes a build's state through f, and into rec.
func (s *Service) change(ctx context.Context, rec *record.Build, f func(*record.Build)) error {
	bucket, err := s.builds(ctx)
	if err != nil {
		return err
	}
	now, err := bucket.Update(ctx, key(*rec), func(stored *record.Build, exists bool) error {
		if !exists || stored.Attempt != rec.Attempt {
			return fmt.Errorf("build %s: attempt %d is no longer the current one", rec.ID, rec.Attempt)
		}
		f(stored)
		return nil
	})
	if err == nil {
		*rec = now
	}
	return err
}

// emit stores an event of the build's current attempt once. The id does not
// depend on which delivery got this far, so that the stream recognises it.
func (s *Service) emit(ctx context.Context, rec *record.Build, p events.Payload) error {
	name := p.EventType().Name()
	if slices.Contains(rec.Emitted, name) {
		return nil
	}
	if s.clock.Now().Sub(rec.QueuedAt) > forgotten {
		found, err := s.inHistory(ctx, *rec, p)
		if err != nil {
			return err
		}
		if found {
			return s.emitted(ctx, rec, name)
		}
	}
	id := fmt.Sprintf("%s/%d/%s", key(*rec), rec.Attempt, name)
	if err := s.bus.Emit(ctx, p, bus.For(rec.Project, rec.App), bus.Key(id), bus.Correlate(rec.CorrelationID)); err != nil {
		return err
	}
	return s.emitted(ctx, rec, name)
}

func (s *Service) emitted(ctx context.Context, rec *record.Build, name string) error {
	return s.change(ctx, rec, func(b *record.Build) {
		if !slices.Contains(b.Emitted, name) {
			b.Emitted = append(b.Emitted, name)
		}
	})
}

// inHistory reports whether the current attempt emitted the event before its
// builder was killed.
func (s *Service) inHistory(ctx context.Context, rec record.Build, p events.Payload) (found bool, err error) {
	query := bus.Query{Project: rec.Project, App: rec.App, Types: []string{p.EventType().Name()}, Since: rec.QueuedAt}
	err = s.bus.History(ctx, query, func(e bus.Stored) error {
		if e.Subject == p.SubjectID() && e.CorrelationID == rec.CorrelationID {
			found = true
			return bus.Stop()
		}
		return nil
	})
	return found, err
}

// finish ends a build and says so. It is called again for a build that ended
// when it may not have said so.
func (s *Service) finish(ctx context.Context, rec *record.Build, end func(*record.Build)) error {
	if !rec.Phase.Terminal() {
		err := s.change(ctx, rec, func(b *record.Build) {
			end(b)
			b.FinishedAt = s.clock.Now()
		})
		if err != nil {
			return err
		}
	}
	return s.announce(ctx, rec)
}

// announce emits what a finished build has to say and has not said yet.
func (s *Service) announce(ctx context.Context, rec *record.Build) error {
	began := rec.StartedAt
	if began.IsZero() {
		began = rec.QueuedAt
	}
	list := []events.Payload{s.started(*rec)}
	if slices.Contains(rec.Emitted, events.TestSuiteRunStarted{}.EventType().Name()) {
		run := suiteFinished(*rec, began)
		if rec.Tests == nil {
			run.Outcome, run.Reason = events.Errored, rec.Reason
		}
		list = append(list, run)
	}
	finished := events.BuildFinished{
		BuildID: rec.ID, Commit: rec.Commit, Outcome: events.Failure, Reason: rec.Reason,
		Duration: rec.FinishedAt.Sub(began).Seconds(),
	}
	if rec.Phase == record.Succeeded {
		finished.Outcome, finished.Image, finished.ArtifactID, finished.Cached = events.Success, rec.Image, rec.ArtifactID, rec.Cached
		list = append(list, events.ArtifactPublished{
			ArtifactID: rec.ArtifactID, Image: rec.Image, BuildID: rec.ID, Commit: rec.Commit, Spec: rec.Spec, SpecPath: rec.SpecPath,
		})
	}
	for _, p := range append(list, finished) {
		if err := s.emit(ctx, rec, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) started(rec record.Build) events.BuildStarted {
	return events.BuildStarted{BuildID: rec.ID, Commit: rec.Commit, Strategy: rec.Strategy, Logs: record.LogSubject(rec.Project, rec.App, "build", rec.ID)}
}

// sweep ends builds that were begun and that nobody can be working on any
// more: their event was given up, or their builder is gone for good. up is
// since when this builder runs: what was begun before, while it was down, is
// delivered to it again first.
func (s *Service) sweep(ctx context.Context, up time.Time) error {
	bucket, err := s.builds(ctx)
	if err != nil {
		return err
	}
	all, err := bucket.List(ctx)
	if err != nil {
		return err
	}
	limit := s.cfg.BuildTimeout + s.cfg.TestTimeout + s.cfg.BuildkitWait + abandoned
	for _, entry := range all {
		rec := entry.Value
		if rec.Phase.Terminal() || rec.BegunAt.IsZero() || s.clock.Now().Sub(rec.BegunAt) < limit || s.clock.Now().Sub(up) < limit {
			continue
		}
		err := s.finish(ctx, &rec, func(b *record.Build) {
			b.Phase, b.Reason = record.Failed, fmt.Sprintf("nobody has worked on this build since %s; request it again", rec.BegunAt.Format(time.RFC3339))
		})
		if err != nil {
			return err
		}
	}
	return nil
}
