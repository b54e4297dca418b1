// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/store"
)

// ledger is what the observer knows of incidents; the store has it all. It is
// used by one goroutine.
type ledger struct {
	bus      *bus.Bus
	bucket   *store.Bucket[record.Incident]
	releases *store.Bucket[record.Release]
	settle   time.Duration

	open  map[appKey]map[string]*incident // by cause
	times map[string]int                  // how often a cause had an incident
}

type incident struct {
	record   record.Incident
	owner    string // empty: not seen since this process began
	lastBad  time.Time
	revision string
}

// cause identifies app, reason and generation of the object: the same after a
// restart of the observer, another after the next roll-out.
func cause(key appKey, f finding) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{key.project, key.app, f.Reason, f.owner}, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// incidentID tells the second time of a cause from the first.
func incidentID(cause string, time int) string {
	if time <= 1 {
		return cause
	}
	return cause + "-" + strconv.Itoa(time)
}

func splitID(id string) (cause string, time int) {
	cause, n, ok := strings.Cut(id, "-")
	if time, err := strconv.Atoi(n); ok && err == nil {
		return cause, time
	}
	return cause, 1
}

// load reads what is known and forgets what ended long ago.
func (l *ledger) load(ctx context.Context, now time.Time, keep time.Duration) error {
	entries, err := l.bucket.List(ctx)
	if err != nil {
		return err
	}
	l.open, l.times = map[appKey]map[string]*incident{}, map[string]int{}
	for _, e := range entries {
		r := e.Value
		if !r.ResolvedAt.IsZero() && now.Sub(r.ResolvedAt) > keep {
			if err := l.bucket.Delete(ctx, e.Key); err != nil {
				return err
			}
			continue
		}
		why, n := splitID(r.ID)
		l.times[why] = max(l.times[why], n)
		if r.ResolvedAt.IsZero() {
			l.of(appKey{r.Project, r.App})[why] = &incident{record: r, lastBad: now}
		}
	}
	return nil
}

func (l *ledger) of(key appKey) map[string]*incident {
	if l.open[key] == nil {
		l.open[key] = map[string]*incident{}
	}
	return l.open[key]
}

// settleUp opens an incident for each new finding and ends those whose cause
// is gone. It reports whether any is open.
func (l *ledger) settleUp(ctx context.Context, key appKey, found []finding, owners map[string]bool, now time.Time) (open bool, err error) {
	incidents := l.of(key)
	bad := map[string]bool{}
	for _, f := range found {
		why := cause(key, f)
		bad[why] = true
		if known := incidents[why]; known != nil {
			known.lastBad, known.owner, known.revision = now, f.owner, f.revision
			continue
		}
		if err := l.detect(ctx, key, why, f, now); err != nil {
			return true, err
		}
	}
	for why, i := range incidents {
		gone := i.owner != "" && !owners[i.owner]
		if bad[why] || !gone && now.Sub(i.lastBad) < l.settle {
			continue
		}
		if err := l.resolve(ctx, key, i, now, gone); err != nil {
			return true, err
		}
		delete(incidents, why)
	}
	if len(incidents) == 0 {
		delete(l.open, key)
	}
	return len(incidents) > 0, nil
}

// detect tells first and stores then: with the same id, telling it again
// after a crash is the same event.
func (l *ledger) detect(ctx context.Context, key appKey, why string, f finding, now time.Time) error {
	id := incidentID(why, l.times[why]+1)
	revision, _ := strconv.Atoi(f.revision)
	err := l.bus.Emit(ctx, events.IncidentDetected{
		Description: f.Message, Environment: events.Reference{ID: record.Namespace(key.project)}, Service: &events.Reference{ID: key.app},
		IncidentID: id, Reason: f.Reason, Object: f.object, Revision: revision,
	}, l.options(ctx, key, "detected."+id, f.revision)...)
	if err != nil {
		return err
	}
	i := &incident{
		record: record.Incident{
			ID: id, Project: key.project, App: key.app, Reason: f.Reason, Message: f.Message, Object: f.object, DetectedAt: now,
		},
		owner: f.owner, lastBad: now, revision: f.revision,
	}
	if err := l.bucket.Put(ctx, record.Key(key.project, key.app, id), i.record); err != nil {
		return err
	}
	l.times[why]++
	l.of(key)[why] = i
	zerolog.Ctx(ctx).Info().Str("project", key.project).Str("app", key.app).Str("reason", f.Reason).Str("incident", id).Msg("incident detected")
	return nil
}

func (l *ledger) resolve(ctx context.Context, key appKey, i *incident, now time.Time, gone bool) error {
	r := i.record
	description := fmt.Sprintf("%s is over: the app has been well for %s", r.Reason, l.settle)
	if gone {
		description = fmt.Sprintf("%s is over: what caused it is gone", r.Reason)
	}
	err := l.bus.Emit(ctx, events.IncidentResolved{
		Description: description, Environment: events.Reference{ID: record.Namespace(key.project)}, Service: &events.Reference{ID: key.app},
		IncidentID: r.ID, Duration: now.Sub(r.DetectedAt).Seconds(),
	}, l.options(ctx, key, "resolved."+r.ID, i.revision)...)
	if err != nil {
		return err
	}
	r.ResolvedAt = now
	if err := l.bucket.Put(ctx, record.Key(key.project, key.app, r.ID), r); err != nil {
		return err
	}
	zerolog.Ctx(ctx).Info().Str("project", key.project).Str("app", key.app).Str("reason", r.Reason).Str("incident", r.ID).Msg("incident resolved")
	return nil
}

// options make an event part of the journey that brought the revision.
func (l *ledger) options(ctx context.Context, key appKey, id, revision string) []bus.EmitOption {
	out := []bus.EmitOption{bus.For(key.project, key.app), bus.Key(key.project + "." + key.app + "." + id)}
	if n, err := strconv.Atoi(revision); err == nil && n > 0 {
		release, err := l.releases.Get(ctx, record.Key(key.project, key.app, fmt.Sprintf("%06d", n)))
		if err == nil && release.CorrelationID != "" {
			out = append(out, bus.Correlate(release.CorrelationID))
		}
	}
	return out
}

// observe judges apps as they change, until ctx ends.
func (s *Service) observe(ctx context.Context, w *watch, l *ledger) error {
	if err := l.load(ctx, s.clock.Now(), s.cfg.KeepIncidents); err != nil {
		return err
	}
	for key := range l.open { // something may have ended while nobody looked
		w.queue.Add(key)
	}
	stop := context.AfterFunc(ctx, w.queue.ShutDown)
	defer stop()
	for {
		key, down := w.queue.Get()
		if down {
			return ctx.Err()
		}
		now := s.clock.Now()
		found, owners, restless := w.findings(ctx, key, now)
		open, err := l.settleUp(ctx, key, found, owners, now)
		w.queue.Done(key)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			zerolog.Ctx(ctx).Warn().Err(err).Str("project", key.project).Str("app", key.app).Msg("incident not stored, trying again")
			w.queue.AddRateLimited(key)
		default:
			w.queue.Forget(key)
			if restless || open {
				w.queue.AddAfter(key, again)
			}
		}
	}
}
