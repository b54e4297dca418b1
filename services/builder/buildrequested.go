// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"context"
	"fmt"
	"strings"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/services/builder/git"
)

// onBuildRequested builds a commit again, as a new attempt of its build, or
// the newest commit of the app's branch where none is named.
func (s *Service) onBuildRequested(ctx context.Context, e events.Event[events.BuildRequested]) error {
	commit, err := s.requested(ctx, e)
	if err != nil {
		return err
	}
	rec, err := s.accept(ctx, e.Meta, commit, func(rec *record.Build, exists bool) bool {
		return !exists || rec.Phase.Terminal() && rec.Cause != e.ID
	})
	if err != nil {
		return err
	}
	return s.work(ctx, rec)
}

// requested finds out which commit of which repository is meant.
func (s *Service) requested(ctx context.Context, e events.Event[events.BuildRequested]) (events.Commit, error) {
	bucket, err := s.builds(ctx)
	if err != nil {
		return events.Commit{}, err
	}
	known, err := bucket.List(ctx, e.Project, e.App)
	if err != nil {
		return events.Commit{}, err
	}
	for _, entry := range known {
		b := entry.Value
		// A delivery that comes again means what it meant the first time,
		// though the branch may have moved on.
		if b.Cause == e.ID || len(e.Data.SHA) >= 7 && strings.HasPrefix(b.Commit.SHA, e.Data.SHA) {
			return b.Commit, nil
		}
	}
	app, ok, err := s.app(ctx, e.Project, e.App)
	if err != nil {
		return events.Commit{}, err
	}
	if !ok || app.Repository == "" {
		return events.Commit{}, bus.Permanent(fmt.Errorf("build of %s/%s requested: the app has no repository; create it with one, or push to a repository with a webhook", e.Project, e.App))
	}
	commit := events.Commit{Repository: git.Public(app.Repository), Branch: app.Branch, SHA: e.Data.SHA}
	if commit.SHA == "" {
		if commit.SHA, err = s.source.Head(ctx, commit.Repository, commit.Branch); err != nil {
			return events.Commit{}, fmt.Errorf("find the newest commit of %s/%s: %w", e.Project, e.App, err)
		}
	}
	return commit, nil
}
