// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"context"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/builder/git"
)

// onChangeMerged builds the commit, once: a second delivery, or a second push
// of the same commit, goes on with the build that there is.
func (s *Service) onChangeMerged(ctx context.Context, e events.Event[events.ChangeMerged]) error {
	commit := e.Data.Commit
	commit.Repository = git.Public(commit.Repository)
	if commit.SHA == "" {
		commit.SHA = e.Data.ChangeID
	}
	rec, err := s.accept(ctx, e.Meta, commit, func(rec *record.Build, exists bool) bool { return !exists })
	if err != nil {
		return err
	}
	return s.work(ctx, rec)
}
