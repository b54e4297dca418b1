// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/store"
)

// reminder is after how long a load that did not change is told again.
const reminder = 30 * time.Second

// What [record.Load.Unknown] may hold.
const (
	unknownRequests = "requests"
	unknownUsage    = "cpu"
)

// hosts are the apps that are measured, with the host name of each.
type hosts struct {
	mu   sync.Mutex
	name map[appKey]string // guarded by mu
}

func (h *hosts) set(key appKey, name string) { h.mu.Lock(); defer h.mu.Unlock(); h.name[key] = name }
func (h *hosts) drop(key appKey)             { h.mu.Lock(); defer h.mu.Unlock(); delete(h.name, key) }
func (h *hosts) all() map[appKey]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[appKey]string, len(h.name))
	for k, v := range h.name {
		out[k] = v
	}
	return out
}

// follow keeps the hosts up to date with the store.
func (h *hosts) follow(ctx context.Context, b *buckets) error {
	return b.apps.Watch(ctx, func(c store.Change[record.App]) error {
		project, app, ok := strings.Cut(c.Key, ".")
		if !ok {
			return nil
		}
		key := appKey{project, app}
		if c.Deleted {
			h.drop(key)
			return b.loads.Delete(ctx, c.Key)
		}
		name := ""
		if u, err := url.Parse(c.Value.URL); err == nil {
			name = strings.ToLower(u.Hostname())
		}
		h.set(key, name)
		return nil
	})
}

// pods is what measuring needs to know of the cluster.
type pods interface {
	names(key appKey) []string // as namespace/pod
	ready(key appKey) int
}

// load is what one app does.
func (s snapshot) load(key appKey, host string, p pods, window time.Duration, at time.Time) record.Load {
	l := record.Load{Project: key.project, App: key.app, Window: window.Seconds(), Replicas: p.ready(key), At: at}
	if host != "" && s.haveRequests {
		l.Requests, l.LatencyP50, l.LatencyP95 = s.requests[host], s.p50[host], s.p95[host]
		if l.Requests > 0 {
			l.Errors = math.Min(s.errors[host]/l.Requests, 1)
		}
	}
	if !s.haveRequests {
		l.Unknown = append(l.Unknown, unknownRequests)
	}
	measured := 0
	for _, pod := range p.names(key) {
		if _, ok := s.cpu[pod]; ok {
			measured++
		}
		l.CPU += s.cpu[pod]
		l.Memory += s.memory[pod]
	}
	if !s.haveUsage || measured == 0 && l.Replicas > 0 {
		l.Unknown = append(l.Unknown, unknownUsage)
	}
	return l
}

// matters decides whether a load is worth an event: it changed by more than a
// tenth, it began or ended, or it goes on and was last told a while ago.
func matters(told *record.Load, now record.Load) bool {
	if told == nil {
		return now.Requests > 0 || now.Replicas > 0
	}
	busy := now.Requests > 0 || told.Requests > 0
	return told.Replicas != now.Replicas ||
		(told.Requests > 0) != (now.Requests > 0) ||
		moved(told.Requests, now.Requests, 0.5) ||
		moved(told.CPU, now.CPU, 0.05) ||
		math.Abs(told.Errors-now.Errors) > 0.01 ||
		busy && now.At.Sub(told.At) >= reminder
}

// moved reports a change of more than a tenth that is also more than noise.
func moved(from, to, noise float64) bool {
	d := math.Abs(to - from)
	return d > noise && d > from/10
}

// measure measures every app once per interval until ctx ends.
func (s *Service) measure(ctx context.Context, b *buckets, m Metrics, p pods, h *hosts) error {
	q, told := newQueries(s.cfg), map[appKey]record.Load{}
	tick := time.NewTicker(s.cfg.MeasureInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		shot, err := q.ask(ctx, m)
		if err != nil {
			if ctx.Err() == nil {
				zerolog.Ctx(ctx).Debug().Err(err).Msg("not measured")
			}
			continue
		}
		// All replicas of the observer measure at the same moments, so that
		// what they tell has the same id.
		at := s.clock.Now().Truncate(s.cfg.MeasureInterval)
		for key, host := range h.all() {
			l := shot.load(key, host, p, s.cfg.RequestWindow, at)
			if err := b.loads.Put(ctx, record.Key(key.project, key.app), l); err != nil {
				zerolog.Ctx(ctx).Warn().Err(err).Msg("measurement not stored")
				break
			}
			var last *record.Load
			if t, ok := told[key]; ok {
				last = &t
			}
			if !matters(last, l) {
				continue
			}
			if err := s.tell(ctx, l); err != nil {
				zerolog.Ctx(ctx).Warn().Err(err).Msg("measurement not told")
				break
			}
			told[key] = l
		}
	}
}

func (s *Service) tell(ctx context.Context, l record.Load) error {
	return s.bus.Emit(ctx, events.WorkloadMeasured{
		Name: l.App, Window: l.Window, Requests: l.Requests, Errors: l.Errors, LatencyP95: l.LatencyP95,
		CPU: l.CPU, Memory: l.Memory, Replicas: l.Replicas, At: l.At,
	}, bus.For(l.Project, l.App), bus.Key(fmt.Sprintf("%s.%s.%d", l.Project, l.App, l.At.Unix())))
}
