// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/builder/detect"
	"github.com/hydra-platform/hydra/services/builder/git"
)

// fetch brings the commit's files.
func (s *Service) fetch(ctx context.Context, b *build) error {
	commit := b.rec.Commit
	n := 0
	found, err := backoff.Retry(ctx, func() (git.Commit, error) {
		n++
		b.src = filepath.Join(b.dir, "src")
		if err := errors.Join(os.RemoveAll(b.src), os.Mkdir(b.src, 0o755)); err != nil {
			return git.Commit{}, backoff.Permanent(err)
		}
		found, err := s.source.Fetch(ctx, commit.Repository, commit.Branch, commit.SHA, b.src)
		for _, final := range []error{git.ErrRefused, git.ErrNoCommit, git.ErrNotPublic, git.ErrTooLarge} {
			if errors.Is(err, final) {
				return found, backoff.Permanent(err)
			}
		}
		if err != nil {
			b.log.Printf("fetch, try %d: %v", n, err)
		}
		return found, err
	}, backoff.WithMaxTries(4), backoff.WithMaxElapsedTime(2*time.Minute))
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return failf("the source cannot be fetched: %v", err)
	}
	b.commit = found
	b.log.Printf("fetched %d files, %d KiB, commit of %s: %s", found.Files, found.Bytes>>10, found.Time.Format(time.RFC3339), found.Message)
	return s.change(ctx, &b.rec, func(r *record.Build) {
		// A request by hand knows the SHA only.
		if r.Commit.Message == "" {
			r.Commit.Message = found.Message
		}
		if r.Commit.Author == "" {
			r.Commit.Author = found.Author
		}
		if r.Commit.Time.IsZero() {
			r.Commit.Time = found.Time
		}
	})
}

// detect finds the app's description and how it is built, and says that the
// build has started.
func (s *Service) detect(ctx context.Context, b *build) error {
	app, _, err := s.app(ctx, b.rec.Project, b.rec.App)
	if err != nil {
		return err
	}
	if b.plan, err = detect.Detect(b.src, app.Path, b.rec.App); err != nil {
		if errors.Is(err, detect.ErrUnknown) {
			return failure{err.Error()}
		}
		return err
	}
	switch b.plan.Strategy {
	case detect.Dockerfile:
		b.log.Printf("built by %s", b.plan.Dockerfile)
	case detect.Go:
		b.log.Printf("built as a Go module: main package %s of %s/go.mod", b.plan.Module.Package, b.plan.Module.Dir)
	}
	if b.plan.SpecPath != "" {
		b.log.Printf("described by %s", b.plan.SpecPath)
	}
	err = s.change(ctx, &b.rec, func(r *record.Build) {
		r.Strategy, r.Spec, r.SpecPath = string(b.plan.Strategy), b.plan.Spec, b.plan.SpecPath
	})
	if err != nil {
		return err
	}
	return s.emit(ctx, &b.rec, s.started(b.rec))
}
