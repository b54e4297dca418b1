// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/scaler/replicas"
)

// Run looks at every app with a policy once per interval: an app whose load
// ended must be scaled down although nobody measures anything new.
func (s *Service) Run(ctx context.Context) error {
	b, err := s.buckets(ctx)
	if err != nil {
		return err
	}
	known := &interest{policy: map[string]bool{}, record: map[string]bool{}}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return s.follow(ctx, func() error {
			return b.apps.Watch(ctx, func(c store.Change[record.App]) error {
				known.set(known.policy, c.Key, !c.Deleted && c.Value.Scaling != nil)
				if c.Deleted {
					return b.targets.Delete(ctx, c.Key)
				}
				return nil
			})
		})
	})
	group.Go(func() error {
		return s.follow(ctx, func() error {
			return b.targets.Watch(ctx, func(c store.Change[record.ScaleTarget]) error {
				known.set(known.record, c.Key, !c.Deleted && (c.Value.Policy.Manual != nil || c.Value.Pending != nil))
				return nil
			})
		})
	})
	group.Go(func() error {
		tick := time.NewTicker(s.cfg.Interval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
				s.round(ctx, known.keys())
			}
		}
	})
	return group.Wait()
}

// round reconciles the apps, some at a time. What fails is tried again in the
// next round.
func (s *Service) round(ctx context.Context, keys []string) {
	var group errgroup.Group
	group.SetLimit(s.cfg.Parallel)
	for _, key := range keys {
		project, app, ok := strings.Cut(key, ".")
		if !ok {
			continue
		}
		group.Go(func() error {
			switch err := s.reconcile(ctx, project, app); {
			case err == nil || ctx.Err() != nil:
			case errors.Is(err, replicas.ErrNoCluster):
				zerolog.Ctx(ctx).Debug().Err(err).Msg("not scaled yet")
			default:
				zerolog.Ctx(ctx).Warn().Err(err).Str("project", project).Str("app", app).Msg("not scaled, trying again")
			}
			return nil
		})
	}
	_ = group.Wait()
}

// follow repeats a watch that ended although the service did not.
func (s *Service) follow(ctx context.Context, watch func() error) error {
	for {
		err := watch()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		zerolog.Ctx(ctx).Warn().Err(err).Msg("watch of the store ended, beginning it again")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// interest is which apps have to be looked at, and why.
type interest struct {
	mu     sync.Mutex
	policy map[string]bool // guarded by mu; apps with a policy
	record map[string]bool // guarded by mu; apps fixed by a person or with a pending decision
}

func (i *interest) set(in map[string]bool, key string, yes bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if yes {
		in[key] = true
	} else {
		delete(in, key)
	}
}

func (i *interest) keys() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []string
	for key := range i.policy {
		out = append(out, key)
	}
	for key := range i.record {
		if !i.policy[key] {
			out = append(out, key)
		}
	}
	return out
}
