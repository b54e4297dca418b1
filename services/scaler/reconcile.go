// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/scaler/replicas"
)

const (
	keptDecisions = 50
	// quiet is the least time between two announced decisions that change
	// nothing: a load at the edge of two reasons must not fill the stream.
	quiet = 30 * time.Second
)

// errNothingToScale says that the app has no policy, or nothing that runs.
var errNothingToScale = errors.New("nothing to scale")

// reconcile looks at one app and makes it so. It is called for events and by
// the clock, and may be interrupted anywhere.
func (s *Service) reconcile(ctx context.Context, project, app string) error {
	key := record.Key(project, app)
	release, err := s.busy.acquire(ctx, key)
	if err != nil {
		return err
	}
	defer release()
	b, err := s.buckets(ctx)
	if err != nil {
		return err
	}
	now, err := s.look(ctx, b, key)
	if errors.Is(err, errNothingToScale) || errors.Is(err, replicas.ErrNoWorkload) {
		zerolog.Ctx(ctx).Debug().Err(err).Str("app", key).Msg("not scaled")
		return nil
	}
	if err != nil {
		return err
	}
	target, err := b.targets.Update(ctx, key, func(t *record.ScaleTarget, _ bool) error {
		t.Project, t.App = project, app
		if t.Pending == nil {
			decideInto(t, now)
		}
		return nil
	})
	if err != nil || target.Pending == nil {
		return err
	}
	return s.finish(ctx, b, now.app, target)
}

// look gathers what a decision is made from.
func (s *Service) look(ctx context.Context, b *buckets, key string) (situation, error) {
	now := situation{now: s.clock.Now()}
	var err error
	if now.app, err = b.apps.Get(ctx, key); errors.Is(err, store.ErrNotFound) {
		return now, errNothingToScale
	} else if err != nil {
		return now, err
	}
	target, err := b.targets.Get(ctx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return now, err
	}
	workloads := deployments(now.app)
	watched := now.app.Scaling != nil || target.Policy.Manual != nil || target.Pending != nil
	if !watched || len(workloads) == 0 || now.app.Status == record.AppRemoving {
		return now, errNothingToScale
	}
	for _, w := range workloads {
		n, err := s.replicas.Get(ctx, w)
		if err != nil {
			return now, err
		}
		now.current = max(now.current, n)
	}
	if now.app.Scaling == nil {
		for _, w := range workloads {
			owned, err := s.replicas.Autoscaled(ctx, w)
			if err != nil {
				return now, err
			}
			now.autoscaled = now.autoscaled || owned
		}
	}
	switch load, err := b.loads.Get(ctx, key); {
	case err == nil:
		now.load = &load
	case !errors.Is(err, store.ErrNotFound):
		return now, err
	}
	return now, nil
}

func deployments(app record.App) []record.Workload {
	var out []record.Workload
	for _, w := range app.Workloads {
		if w.Kind == "Deployment" {
			out = append(out, w)
		}
	}
	return out
}

// decideInto decides and writes the decision into the record; one that has to
// be carried out or told to anybody becomes pending.
func decideInto(t *record.ScaleTarget, now situation) {
	in := now.inputs(*t)
	a := Decide(in)
	d := record.Decision{
		At: now.now, Signal: a.Signal, Inputs: in.Map(), From: in.Current,
		Proposed: a.Proposed, To: a.To, Clamps: a.Clamps, Reason: a.Reason,
	}
	manual := t.Policy.Manual
	t.Policy = record.ScalePolicy{}
	if now.app.Scaling != nil {
		t.Policy = *now.app.Scaling
	}
	t.Policy.Manual = manual
	t.Current, t.Target = in.Current, a.To
	t.Window = remember(t.Window, record.Proposal{At: now.now, Replicas: a.Bounded}, time.Duration(in.Wait*float64(time.Second)))

	if len(t.Decisions) > 0 && alike(t.Decisions[0], d) {
		t.Decisions[0] = d
	} else {
		t.Decisions = append([]record.Decision{d}, t.Decisions...)
		t.Decisions = t.Decisions[:min(len(t.Decisions), keptDecisions)]
	}
	if worthTelling(t.Announced, d) {
		t.Pending = &d
	}
}

// alike reports whether two decisions hold the same number for the same reason.
func alike(a, b record.Decision) bool {
	return a.From == a.To && b.From == b.To && a.To == b.To && a.Reason == b.Reason
}

func worthTelling(last *record.Decision, d record.Decision) bool {
	switch {
	case d.From != d.To || last == nil:
		return true
	case last.To == d.To && last.Reason == d.Reason:
		return false
	default:
		return d.Signal == signalManual || d.At.Sub(last.At) >= quiet
	}
}

// finish carries out and announces the pending decision. Every step may be
// repeated: the scale is written only when it differs, and the events have
// ids that depend on the decision alone.
func (s *Service) finish(ctx context.Context, b *buckets, app record.App, t record.ScaleTarget) error {
	d := *t.Pending
	changed := d.From != d.To
	if changed {
		for _, w := range deployments(app) {
			if err := s.replicas.Set(ctx, w, d.To); err != nil && !errors.Is(err, replicas.ErrNoWorkload) {
				return err
			}
		}
	}
	id := fmt.Sprintf("%s.%s.%d", t.Project, t.App, d.At.UnixNano())
	decided := events.ScalingDecided{
		Name: t.App, Signal: d.Signal, Inputs: d.Inputs, From: d.From,
		Proposed: d.Proposed, To: d.To, Clamps: d.Clamps, Reason: d.Reason,
	}
	if err := s.bus.Emit(ctx, decided, bus.For(t.Project, t.App), bus.Key(id)); err != nil {
		return err
	}
	if changed {
		scaled := events.WorkloadScaled{Name: t.App, From: d.From, To: d.To, Reason: d.Reason}
		if err := s.bus.Emit(ctx, scaled, bus.For(t.Project, t.App), bus.Key(id)); err != nil {
			return err
		}
		zerolog.Ctx(ctx).Info().Str("project", t.Project).Str("app", t.App).Int("from", d.From).Int("to", d.To).Str("reason", d.Reason).Msg("scaled")
	}
	_, err := b.targets.Update(ctx, record.Key(t.Project, t.App), func(t *record.ScaleTarget, _ bool) error {
		if t.Pending == nil || !t.Pending.At.Equal(d.At) {
			return nil // another replica was quicker
		}
		t.Pending, t.Announced = nil, &d
		if changed {
			t.Current, t.ScaledAt = d.To, d.At
		}
		return nil
	})
	return err
}
