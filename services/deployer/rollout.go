// SPDX-License-Identifier: Apache-2.0

package deployer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/deployer/cluster"
	"github.com/hydra-platform/hydra/services/deployer/health"
	"github.com/hydra-platform/hydra/services/deployer/oam"
	"github.com/hydra-platform/hydra/services/deployer/render"
)

// Reasons that the deployer itself gives.
const (
	reasonInvalid  = "InvalidSpec"
	reasonDeadline = "DeadlineExceeded"
)

// Times of a roll-out.
//
//	resumeGrace   what is left at least after the deployer or the cluster was away: a
//	              pod is started and probed again in less
//	lookAgain     between two looks when no watch says that something changed
//	settle        between two looks in any case, so that a burst of changes is one
const (
	resumeGrace = 45 * time.Second
	lookAgain   = 2 * time.Second
	settle      = 50 * time.Millisecond
)

// failure is why a revision will not become healthy.
type failure struct{ reason, message string }

// rollout is one release on its way to its end.
type rollout struct {
	*Service
	st    *state
	rel   record.Release
	owner cluster.Owner
	log   *store.LogWriter
}

// drive takes a release to its end from wherever it is.
func (s *Service) drive(ctx context.Context, st *state, rel record.Release) error {
	if rel.Phase.Terminal() && rel.Announced {
		return nil
	}
	r := &rollout{
		Service: s, st: st, rel: rel, owner: cluster.Owner{Project: rel.Project, App: rel.App},
		log: store.NewLog(ctx, s.bus.JetStream(), record.LogSubject(rel.Project, rel.App, "deploy", releaseID(rel.Revision))),
	}
	err := r.run(ctx)
	if errors.Is(err, errGone) {
		return nil // the app is being removed, and its releases with it
	}
	if err == nil {
		err = r.log.Close()
	}
	return later(err)
}

func (r *rollout) run(ctx context.Context) error {
	switch {
	case r.rel.Phase.Terminal():
		return r.announce(ctx)
	case r.rel.Reason != "":
		return r.undo(ctx)
	}
	out, deadline, err := r.render(r.rel)
	if err != nil {
		return r.reject(ctx, err)
	}
	if r.rel.Phase == record.Queued {
		_, warnings, _ := oam.Parse(specName(r.rel), []byte(r.rel.Spec))
		for _, w := range warnings {
			r.log.Printf("warning: %s", w)
		}
	}
	if err := r.begin(ctx, out, deadline); err != nil {
		return err
	}
	failed, err := r.roll(ctx, r.rel, out, deadline)
	if err != nil {
		return err
	}
	if failed != nil {
		return r.fail(ctx, *failed, deadline)
	}
	return r.succeed(ctx)
}

// render turns a release into objects.
func (s *Service) render(rel record.Release) (*render.Output, time.Duration, error) {
	app, _, err := oam.Parse(specName(rel), []byte(rel.Spec))
	if err != nil {
		return nil, 0, err
	}
	deadline := cmp.Or(app.Deadline, time.Duration(s.cfg.HealthDeadline))
	out, err := render.Application(render.Input{
		Application: app, Project: rel.Project, App: rel.App, Revision: rel.Revision, Image: rel.Image, Deadline: deadline, Options: s.cfg.options(),
	})
	return out, deadline, err
}

// specName is how messages call the file of a release.
func specName(rel record.Release) string { return cmp.Or(rel.SpecPath, "spec") }

// reject ends a release whose file is not valid. Nothing was applied and
// nothing is taken back.
func (r *rollout) reject(ctx context.Context, why error) error {
	r.log.Printf("%s", why)
	return r.end(ctx, record.Failed, failure{reasonInvalid, why.Error()})
}

// begin stores what the release is about to do before it does it.
func (r *rollout) begin(ctx context.Context, out *render.Output, deadline time.Duration) error {
	if r.rel.Phase == record.Queued {
		started := events.RolloutStarted{Revision: r.rel.Revision, BuildID: r.rel.BuildID, Image: r.rel.Image, Cause: r.rel.Cause}
		if err := r.emit(ctx, started); err != nil {
			return err
		}
	}
	_, err := r.updateApp(ctx, r.st, r.rel.Project, r.rel.App, func(a *record.App) {
		a.Status, a.Reason, a.Revision = record.AppDeploying, "", r.rel.Revision
		present(a, out)
	})
	if err != nil {
		return err
	}
	objects := make([]record.ObjectRef, len(out.Objects))
	for i, o := range out.Objects {
		objects[i] = o.Ref()
	}
	return r.store(ctx, func(rel *record.Release) {
		rel.Phase, rel.Objects = record.Running, objects
		rel.Deadline = r.deadline(rel.Deadline, deadline)
	})
}

// deadline begins to count, or leaves enough after an interruption.
func (r *rollout) deadline(stored time.Time, whole time.Duration) time.Time {
	now := r.clock.Now()
	if stored.IsZero() {
		return now.Add(whole)
	}
	if least := now.Add(min(whole, resumeGrace)); stored.Before(least) {
		return least
	}
	return stored
}

// roll applies the objects, wave by wave, and waits until each is healthy.
func (r *rollout) roll(ctx context.Context, rel record.Release, out *render.Output, deadline time.Duration) (*failure, error) {
	if err := r.retry(ctx, func() error { return r.cluster.EnsureNamespace(ctx, rel.Project) }); err != nil {
		return r.refused(err)
	}
	// Not before the cluster answered: a cluster that is away would fill the
	// log with beginnings.
	if rel.Revision != r.rel.Revision {
		r.log.Printf("putting revision %d back", rel.Revision)
	}
	r.log.Printf("revision %d (%s): %d objects, %s to become healthy", rel.Revision, rel.Cause, len(out.Objects), deadline)
	last := 0
	for _, o := range out.Objects {
		last = max(last, o.Wave)
	}
	var workloads []record.Workload
	for wave := 0; wave <= last; wave++ {
		for _, o := range out.Objects {
			if o.Wave != wave {
				continue
			}
			err := r.retry(ctx, func() error { return r.cluster.Apply(ctx, r.owner, o, out.Initial[o.GetName()]) })
			if err != nil {
				return r.refused(err)
			}
			r.log.Printf("applied %s %s", o.GetKind(), o.GetName())
			for _, w := range out.Workloads {
				if w.Kind == o.GetKind() && w.Name == o.GetName() {
					workloads = append(workloads, w)
				}
			}
		}
		failed, err := r.wait(ctx, rel.Revision, workloads)
		if failed != nil || err != nil {
			return failed, err
		}
	}
	return nil, nil
}

// retry repeats what is not possible yet until the deadline.
func (r *rollout) retry(ctx context.Context, f func() error) error {
	said := false
	for {
		err := f()
		if !errors.Is(err, cluster.ErrNotYet) {
			return err
		}
		if r.clock.Now().After(r.rel.Deadline) {
			return &cluster.Refused{Reason: "NotAccepted", Message: err.Error()}
		}
		if !said {
			r.log.Printf("waiting: %v", err)
			said = true
		}
		if err := r.check(ctx); err != nil {
			return err
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

func (r *rollout) refused(err error) (*failure, error) {
	var refused *cluster.Refused
	if errors.As(err, &refused) {
		r.log.Printf("%s: %s", refused.Reason, refused.Message)
		return &failure{refused.Reason, refused.Message}, nil
	}
	return nil, err
}

// wait looks until the workloads are healthy, or it is certain that they will
// not be, or the deadline is over.
func (r *rollout) wait(ctx context.Context, revision int, workloads []record.Workload) (*failure, error) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	changed := r.cluster.Watch(watching, r.owner)
	var progress, reason string
	var since time.Time
	for {
		s, err := r.cluster.Read(ctx, r.owner, revision, workloads)
		if errors.Is(err, cluster.ErrNotYet) {
			err = nil // such as a namespace on its way out, which check sees
		}
		if err != nil {
			return nil, err
		}
		v := health.Judge(s)
		if v.Progress != progress {
			progress = v.Progress
			r.log.Printf("%s", progress)
		}
		if v.Healthy {
			return nil, nil
		}
		now := r.clock.Now()
		if t := v.Trouble; t == nil {
			reason = ""
		} else {
			if t.Reason != reason {
				reason, since = t.Reason, now
			}
			if t.Patience != health.Forever && now.Sub(since) >= t.Patience {
				return r.blame(ctx, t), nil
			}
		}
		if now.After(r.rel.Deadline) {
			if v.Trouble != nil {
				return r.blame(ctx, v.Trouble), nil
			}
			return &failure{reasonDeadline, "not healthy within the deadline: " + v.Progress}, nil
		}
		if err := r.check(ctx); err != nil {
			return nil, err
		}
		if err := pause(ctx, settle); err != nil {
			return nil, err
		}
		timer := time.NewTimer(min(lookAgain, max(r.rel.Deadline.Sub(now), settle)))
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// blame adds the last words of a container that crashed.
func (r *rollout) blame(ctx context.Context, t *health.Trouble) *failure {
	f := &failure{t.Reason, t.Message}
	r.log.Printf("%s: %s", t.Reason, t.Message)
	if t.Crashed == "" || t.Pod == "" {
		return f
	}
	const inMessage = 5
	lines := r.cluster.Tail(ctx, r.owner, t.Pod, t.Crashed, 20)
	for i, line := range lines {
		r.log.Printf("%s/%s | %s", t.Pod, t.Crashed, line)
		if i >= len(lines)-inMessage {
			if i == max(len(lines)-inMessage, 0) {
				f.message += "; its last lines:"
			}
			f.message += "\n" + line[:min(len(line), 300)]
		}
	}
	return f
}

// check ends the roll-out of an app that is being removed.
func (r *rollout) check(ctx context.Context) error {
	app, err := r.st.apps.Get(ctx, record.Key(r.rel.Project, r.rel.App))
	if errors.Is(err, store.ErrNotFound) || err == nil && app.Status == record.AppRemoving {
		r.log.Printf("the app is being removed")
		return errGone
	}
	return err
}

// store changes the release's record and what is known of it here.
func (r *rollout) store(ctx context.Context, change func(*record.Release)) error {
	rel, err := r.st.releases.Update(ctx, releaseKey(r.rel), func(rel *record.Release, exists bool) error {
		if !exists {
			return errGone
		}
		change(rel)
		return nil
	})
	if err == nil {
		r.rel = rel
	}
	return err
}

// emit stores an event of the release. Its id is the release's own, so that
// whoever repeats it stores it once.
func (r *rollout) emit(ctx context.Context, p events.Payload) error {
	key := fmt.Sprintf("%s.%d", releaseKey(r.rel), r.rel.StartedAt.UnixNano())
	return r.bus.Emit(ctx, p, bus.For(r.rel.Project, r.rel.App), bus.Key(key))
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
