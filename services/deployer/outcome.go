// SPDX-License-Identifier: Apache-2.0

package deployer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/deployer/cluster"
	"github.com/hydra-platform/hydra/services/deployer/render"
)

// succeed takes away what the revision no longer has and ends the release.
func (r *rollout) succeed(ctx context.Context) error {
	if err := r.sweep(ctx, r.rel); err != nil {
		return err
	}
	return r.end(ctx, record.Succeeded, failure{})
}

// sweep removes objects that were applied lately and that keep does not have.
func (r *rollout) sweep(ctx context.Context, keep record.Release) error {
	releases, err := r.history(ctx, r.st, r.rel.Project, r.rel.App)
	if err != nil {
		return err
	}
	old := stale(releases, keep)
	if len(old) == 0 {
		return nil
	}
	left, err := r.cluster.Delete(ctx, r.owner, old)
	var refused *cluster.Refused
	if errors.As(err, &refused) {
		r.log.Printf("objects of earlier revisions are left behind: %s", refused.Message)
		return nil
	}
	if err != nil {
		return err
	}
	for _, ref := range left {
		r.log.Printf("removed %s %s", ref.Kind, ref.Name)
	}
	return nil
}

// fail stores why the revision is given up, and takes it back.
func (r *rollout) fail(ctx context.Context, f failure, deadline time.Duration) error {
	err := r.store(ctx, func(rel *record.Release) {
		rel.Reason, rel.Detail, rel.FinishedAt = f.reason, f.message, r.clock.Now()
		rel.Deadline = r.clock.Now().Add(deadline) // for the revision before it to be well again
	})
	if err != nil {
		return err
	}
	return r.undo(ctx)
}

// undo puts the last healthy revision back, as it was. Its pods still run
// where the roll-out left them alone, so that this is quick.
func (r *rollout) undo(ctx context.Context) error {
	failed := failure{r.rel.Reason, r.rel.Detail}
	if err := r.emit(ctx, r.failedEvent()); err != nil {
		return err
	}
	releases, err := r.history(ctx, r.st, r.rel.Project, r.rel.App)
	if err != nil {
		return err
	}
	target := lastHealthy(releases, &r.rel)
	if target == nil {
		r.log.Printf("no revision was healthy before; the objects are left for inspection")
		return r.end(ctx, record.Failed, failed)
	}
	out, deadline, err := r.render(*target)
	if err != nil {
		failed.message += fmt.Sprintf("; revision %d cannot be put back: %v", target.Revision, err)
		return r.end(ctx, record.Failed, failed)
	}
	if err := r.store(ctx, func(rel *record.Release) { rel.Deadline = r.deadline(rel.Deadline, deadline) }); err != nil {
		return err
	}
	again, err := r.roll(ctx, *target, out, deadline)
	if err != nil {
		return err
	}
	if err := r.sweep(ctx, *target); err != nil {
		return err
	}
	if again != nil {
		failed.message += fmt.Sprintf("; revision %d was put back and is not healthy: %s: %s", target.Revision, again.reason, again.message)
		return r.end(ctx, record.Failed, failed)
	}
	return r.end(ctx, record.RolledBack, failed)
}

// end brings the end of the release into the app's record, stores it, and
// tells it, in this order: who sees that a release has ended finds the app as
// it is then.
func (r *rollout) end(ctx context.Context, phase record.Phase, f failure) error {
	r.rel.Phase, r.rel.Reason, r.rel.Detail = phase, f.reason, f.message
	if r.rel.FinishedAt.IsZero() {
		r.rel.FinishedAt = r.clock.Now()
	}
	done := r.rel
	releases, replicas, err := r.settle(ctx)
	if err != nil {
		return err
	}
	err = r.store(ctx, func(rel *record.Release) {
		rel.Phase, rel.Reason, rel.Detail, rel.FinishedAt = done.Phase, done.Reason, done.Detail, done.FinishedAt
	})
	if err != nil {
		return err
	}
	return r.tell(ctx, releases, replicas)
}

// announce goes on with a release that ended and was not told. It may be
// repeated.
func (r *rollout) announce(ctx context.Context) error {
	releases, replicas, err := r.settle(ctx)
	if err != nil {
		return err
	}
	return r.tell(ctx, releases, replicas)
}

// tell ends the time of the releases before and puts the outcome into the
// stream.
func (r *rollout) tell(ctx context.Context, releases []record.Release, replicas int) error {
	serving := lastHealthy(releases, nil)
	if r.rel.Phase == record.Succeeded {
		if err := r.supersede(ctx, releases); err != nil {
			return err
		}
	}
	for _, p := range r.outcome(releases, serving, replicas) {
		if err := r.emit(ctx, p); err != nil {
			return err
		}
	}
	r.log.Printf("%s", r.verdict(serving))
	return r.store(ctx, func(rel *record.Release) { rel.Announced = true })
}

// supersede ends the time of the releases that served before.
func (r *rollout) supersede(ctx context.Context, releases []record.Release) error {
	for _, old := range releases {
		if old.Revision == r.rel.Revision || old.Phase != record.Succeeded {
			continue
		}
		_, err := r.st.releases.Update(ctx, releaseKey(old), func(rel *record.Release, exists bool) error {
			if !exists {
				return errGone
			}
			rel.Phase = record.Superseded
			if r.rel.Cause == causeRollback {
				rel.Phase, rel.Detail = record.RolledBack, r.rel.Message
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settle writes what serves now into the app's record. It returns the releases
// with this one as it ended, and the number of ready replicas.
func (r *rollout) settle(ctx context.Context) (releases []record.Release, replicas int, err error) {
	if releases, err = r.history(ctx, r.st, r.rel.Project, r.rel.App); err != nil {
		return nil, 0, err
	}
	for i := range releases {
		if releases[i].Revision == r.rel.Revision {
			releases[i] = r.rel
		}
	}
	serving := lastHealthy(releases, nil)
	var out *render.Output
	if serving != nil {
		if out, _, err = r.render(*serving); err != nil {
			return nil, 0, err
		}
	}
	applied := len(r.rel.Objects) > 0
	if serving != nil && applied {
		if replicas, err = r.cluster.Ready(ctx, r.owner); err != nil {
			return nil, 0, err
		}
	}
	_, err = r.updateApp(ctx, r.st, r.rel.Project, r.rel.App, func(a *record.App) {
		a.Status, a.Reason = record.AppHealthy, ""
		if r.rel.Phase != record.Succeeded {
			a.Reason = fmt.Sprintf("revision %d failed: %s: %s", r.rel.Revision, r.rel.Reason, firstLine(r.rel.Detail))
		}
		switch {
		case serving == nil:
			a.Status, a.Revision, a.Healthy = record.AppFailed, r.rel.Revision, 0
			return
		case r.rel.Phase == record.Failed && applied:
			a.Status = record.AppDegraded // what was put back is not well either
		}
		a.Revision, a.Healthy = serving.Revision, serving.Revision
		present(a, out)
		if applied {
			a.Replicas, a.Desired = replicas, max(replicas, a.Desired)
		}
		if r.rel.Phase == record.Succeeded {
			a.Desired = replicas
		}
	})
	return releases, replicas, err
}

// present writes what a revision is made of into the app's record.
func present(a *record.App, out *render.Output) {
	manual := (*int)(nil)
	if a.Scaling != nil {
		manual = a.Scaling.Manual
	}
	a.Workloads, a.URL, a.Scaling = out.Workloads, out.URL, out.Scaling
	if a.Scaling != nil {
		a.Scaling.Manual = manual
	}
}

// outcome is what the end of the release means to the world.
func (r *rollout) outcome(releases []record.Release, serving *record.Release, replicas int) []events.Payload {
	duration := r.rel.FinishedAt.Sub(r.rel.StartedAt).Seconds()
	state := func(rel record.Release) events.ServiceState {
		url := ""
		if out, _, err := r.render(rel); err == nil {
			url = out.URL
		}
		return events.ServiceState{
			Name: rel.App, Revision: rel.Revision, BuildID: rel.BuildID, Image: rel.Image, Replicas: replicas, URL: url, Duration: duration,
		}
	}
	where := environment(r.rel.Project)
	switch r.rel.Phase {
	case record.Failed:
		return []events.Payload{r.failedEvent()}
	case record.RolledBack:
		return []events.Payload{r.failedEvent(), events.ServiceRolledBack{
			Environment: where, ArtifactID: serving.ArtifactID, State: state(*serving), FromRevision: r.rel.Revision,
			Reason: r.rel.Reason + ": " + r.rel.Detail, Automatic: true,
		}}
	}
	before := previous(releases, r.rel)
	switch {
	case before == nil:
		return []events.Payload{events.ServiceDeployed{Environment: where, ArtifactID: r.rel.ArtifactID, State: state(r.rel)}}
	case r.rel.Cause == causeRollback:
		return []events.Payload{events.ServiceRolledBack{
			Environment: where, ArtifactID: r.rel.ArtifactID, State: state(r.rel), FromRevision: before.Revision, Reason: r.rel.Message,
		}}
	}
	return []events.Payload{events.ServiceUpgraded{Environment: where, ArtifactID: r.rel.ArtifactID, State: state(r.rel)}}
}

// previous is the release that served before rel, whatever it is called now.
func previous(releases []record.Release, rel record.Release) *record.Release {
	for i := len(releases) - 1; i >= 0; i-- {
		if r := &releases[i]; r.Revision < rel.Revision && wasHealthy(*r) {
			return r
		}
	}
	return nil
}

func (r *rollout) failedEvent() events.RolloutFailed {
	return events.RolloutFailed{
		Revision: r.rel.Revision, BuildID: r.rel.BuildID, Image: r.rel.Image, Reason: r.rel.Reason, Message: r.rel.Detail,
		Duration: r.rel.FinishedAt.Sub(r.rel.StartedAt).Seconds(),
	}
}

func (r *rollout) verdict(serving *record.Release) string {
	took := r.rel.FinishedAt.Sub(r.rel.StartedAt).Round(100 * time.Millisecond)
	switch {
	case r.rel.Phase == record.Succeeded:
		return fmt.Sprintf("revision %d is healthy after %s", r.rel.Revision, took)
	case serving == nil:
		return fmt.Sprintf("revision %d failed after %s: %s", r.rel.Revision, took, r.rel.Reason)
	}
	return fmt.Sprintf("revision %d failed after %s: %s; revision %d serves", r.rel.Revision, took, r.rel.Reason, serving.Revision)
}

func environment(project string) events.Reference { return events.Reference{ID: project} }

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
