// SPDX-License-Identifier: Apache-2.0

package deployer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/store"
)

// Causes of a release.
const (
	causeBuild    = "build"
	causeApply    = "apply"
	causeRollback = "rollback"
)

// errGone says that an app's record is not there any more.
var errGone = errors.New("the app is being removed")

func releaseKey(r record.Release) string {
	return record.Key(r.Project, r.App, releaseID(r.Revision))
}

// releaseID is the last part of a release's key and the id of its log.
func releaseID(revision int) string { return fmt.Sprintf("%06d", revision) }

// history lists an app's releases, the oldest first.
func (s *Service) history(ctx context.Context, st *state, project, app string) ([]record.Release, error) {
	entries, err := st.releases.List(ctx, project, app)
	if err != nil {
		return nil, err
	}
	out := make([]record.Release, len(entries))
	for i, e := range entries {
		out[i] = e.Value
	}
	return out, nil
}

// deploy finds the release that was made for the same event or build, or makes
// the next one, and takes it to its end.
func (s *Service) deploy(ctx context.Context, st *state, draft record.Release) error {
	for {
		releases, err := s.history(ctx, st, draft.Project, draft.App)
		if err != nil {
			return err
		}
		if found, same := find(releases, draft); found {
			if same == nil {
				return nil
			}
			return s.drive(ctx, st, *same)
		}
		draft.Revision = 1
		if last := newest(releases); last != nil {
			draft.Revision = last.Revision + 1
		}
		draft.Phase, draft.StartedAt = record.Queued, s.clock.Now()
		err = st.releases.Create(ctx, releaseKey(draft), draft)
		if errors.Is(err, store.ErrExists) {
			continue // another replica was faster: it may be the same release
		}
		if err != nil {
			return err
		}
		return s.drive(ctx, st, draft)
	}
}

// find looks for the release of the same event, or of the same build and
// image. Without a release to go on with, found says that nothing is to do. A
// build that failed to run before is tried again when it is published again.
func find(releases []record.Release, draft record.Release) (found bool, same *record.Release) {
	for i := len(releases) - 1; i >= 0; i-- {
		r := &releases[i]
		if r.CauseID == draft.CauseID {
			return true, r
		}
		if draft.Cause != causeBuild || r.Cause != causeBuild || r.BuildID != draft.BuildID || r.Image != draft.Image {
			continue
		}
		switch {
		case !r.Phase.Terminal():
			return true, r
		case wasHealthy(*r):
			return true, nil
		default:
			return false, nil
		}
	}
	return false, nil
}

// wasHealthy reports whether a release served at some time. One that a person
// went back from has no reason; one that was taken back because it failed has.
func wasHealthy(r record.Release) bool {
	switch r.Phase {
	case record.Succeeded, record.Superseded:
		return true
	case record.RolledBack:
		return r.Reason == ""
	}
	return false
}

// lastHealthy is the release that serves, or served before the given one.
func lastHealthy(releases []record.Release, before *record.Release) *record.Release {
	for i := len(releases) - 1; i >= 0; i-- {
		r := &releases[i]
		if before != nil && r.Revision >= before.Revision {
			continue
		}
		if r.Phase == record.Succeeded || r.Phase == record.Superseded {
			return r
		}
	}
	return nil
}

func newest(releases []record.Release) *record.Release {
	if len(releases) == 0 {
		return nil
	}
	return &releases[len(releases)-1]
}

// lastBuilt is the newest release that has a built image.
func lastBuilt(releases []record.Release) *record.Release {
	for i := len(releases) - 1; i >= 0; i-- {
		if releases[i].Image != "" {
			return &releases[i]
		}
	}
	return nil
}

// stale lists the objects that were applied since the last healthy revision,
// with it, and that keep does not have.
func stale(releases []record.Release, keep record.Release) []record.ObjectRef {
	last := 0
	for _, r := range releases {
		if r.Revision != keep.Revision && (r.Phase == record.Succeeded || r.Phase == record.Superseded && r.Revision < keep.Revision) {
			last = max(last, r.Revision)
		}
	}
	var since []record.Release
	for _, r := range releases {
		if r.Revision >= last && r.Revision != keep.Revision {
			since = append(since, r)
		}
	}
	return slices.DeleteFunc(refs(since), func(ref record.ObjectRef) bool { return slices.Contains(keep.Objects, ref) })
}

// updateApp changes an app's record, or returns errGone when there is none or
// when it is being removed.
func (s *Service) updateApp(ctx context.Context, st *state, project, app string, change func(*record.App)) (record.App, error) {
	return st.apps.Update(ctx, record.Key(project, app), func(a *record.App, exists bool) error {
		if !exists || a.Status == record.AppRemoving {
			return errGone
		}
		before := *a
		change(a)
		if a.Status != before.Status || a.Revision != before.Revision || a.Healthy != before.Healthy || a.Reason != before.Reason ||
			a.Replicas != before.Replicas || a.Desired != before.Desired {
			a.UpdatedAt = s.clock.Now()
		}
		return nil
	})
}
