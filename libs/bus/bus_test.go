// SPDX-License-Identifier: Apache-2.0

package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/natsd/natsdtest"
)

type bundle struct {
	nc  *nats.Conn
	bus *bus.Bus // of unit "builder"
	ctx context.Context
}

func setup(t *testing.T, change ...func(*bus.Options)) bundle {
	t.Helper()
	_, nc := natsdtest.Start(t)
	opts := bus.Options{
		Unit: "builder", Log: zerolog.Nop(), Metrics: prometheus.NewRegistry(), Tracer: sdktrace.NewTracerProvider(),
		Backoff: []time.Duration{time.Millisecond}, AckWait: time.Second, Drain: 2 * time.Second, MaxAttempts: 3,
	}
	for _, c := range change {
		c(&opts)
	}
	b, err := bus.New(t.Context(), nc, opts)
	require.NoError(t, err)
	return bundle{nc: nc, bus: b, ctx: t.Context()}
}

// run delivers to the routes until the returned stop is called.
func (b bundle) run(t *testing.T, register func(r *bus.Router)) (stop func()) {
	t.Helper()
	r := bus.NewRouter("builder")
	register(r)
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan error, 1)
	go func() { done <- b.bus.Run(ctx, r) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

func (b bundle) history(t *testing.T, q bus.Query) []bus.Stored {
	t.Helper()
	var out []bus.Stored
	require.NoError(t, b.bus.History(b.ctx, q, func(s bus.Stored) error { out = append(out, s); return nil }))
	return out
}

func change(sha string) events.ChangeMerged {
	return events.ChangeMerged{ChangeID: sha, Commit: events.Commit{SHA: sha}}
}

func TestHandlerEmitsWithCauseCorrelationAndTrace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t, func(r *bus.Router) {
		bus.On(r, func(ctx context.Context, e events.Event[events.ChangeMerged]) error {
			return b.bus.Emit(ctx, events.BuildQueued{BuildID: "b" + e.Data.Commit.SHA})
		}, events.BuildQueued{})
	})
	require.NoError(t, b.bus.Emit(b.ctx, change("1"), bus.For("acme", "shop")))
	require.Eventually(t, func() bool { return len(b.history(t, bus.Query{})) == 2 }, 5*time.Second, 10*time.Millisecond)

	all := b.history(t, bus.Query{Project: "acme"})
	cause, effect := all[0], all[1]
	require.Equal(t, "acme.shop", effect.Key())
	require.Equal(t, cause.ID, effect.CausationID)
	require.Equal(t, cause.ID, effect.CorrelationID)
	require.NotEmpty(t, effect.TraceParent)
	require.Equal(t, "b1", effect.Subject)
	require.Equal(t, events.Type("dev.cdevents.build.queued.0.3.0"), effect.Type)
}

func TestRedeliveryEmitsNothingTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var calls atomic.Int32
	b.run(t, func(r *bus.Router) {
		bus.On(r, func(ctx context.Context, e events.Event[events.ChangeMerged]) error {
			// The first attempt ends after half of its work, on another path.
			if err := b.bus.Emit(ctx, events.BuildQueued{BuildID: "b1"}); err != nil {
				return err
			}
			if calls.Add(1) == 1 {
				return errors.New("interrupted")
			}
			return b.bus.Emit(ctx, events.BuildStarted{BuildID: "b1"})
		}, events.BuildQueued{}, events.BuildStarted{})
	})
	require.NoError(t, b.bus.Emit(b.ctx, change("1"), bus.For("acme", "shop")))
	require.Eventually(t, func() bool { return len(b.history(t, bus.Query{Types: []string{"build.started"}})) == 1 }, 5*time.Second, 10*time.Millisecond)
	require.Len(t, b.history(t, bus.Query{Types: []string{"build.queued"}}), 1)
	require.EqualValues(t, 2, calls.Load())
}

func TestEmittingTheSameKeyTwiceStoresItOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		require.NoError(t, b.bus.Emit(b.ctx, change("1"), bus.For("acme", "shop"), bus.Key("delivery-1")))
	}
	require.Len(t, b.history(t, bus.Query{}), 1)
}

func TestOneKeyInOrderAndKeysInParallel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const apps, each = 4, 25
	var mu sync.Mutex
	seen := map[string][]string{}
	all := make(chan struct{})
	var arrived atomic.Int32
	together := make(chan struct{})
	b.run(t, func(r *bus.Router) {
		bus.On(r, func(ctx context.Context, e events.Event[events.ChangeMerged]) error {
			if e.Data.Commit.SHA == "0" {
				// Ends only when every key is being handled at once.
				if arrived.Add(1) == apps {
					close(together)
				}
				select {
				case <-together:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			mu.Lock()
			defer mu.Unlock()
			seen[e.App] = append(seen[e.App], e.Data.Commit.SHA)
			total := 0
			for _, s := range seen {
				total += len(s)
			}
			if total == apps*each {
				close(all)
			}
			return nil
		})
	})
	var want []string
	for i := range each {
		want = append(want, fmt.Sprint(i))
		for a := range apps {
			require.NoError(t, b.bus.Emit(b.ctx, change(fmt.Sprint(i)), bus.For("acme", fmt.Sprintf("app%d", a))))
		}
	}
	wait(t, all)
	for a := range apps {
		require.Equal(t, want, seen[fmt.Sprintf("app%d", a)])
	}
}

func TestOrderSurvivesARetry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var failed atomic.Bool
	got := make(chan string, 10)
	b.run(t, func(r *bus.Router) {
		bus.On(r, func(_ context.Context, e events.Event[events.ChangeMerged]) error {
			if e.Data.Commit.SHA == "1" && failed.CompareAndSwap(false, true) {
				return errors.New("once")
			}
			got <- e.Data.Commit.SHA
			return nil
		})
	})
	for _, sha := range []string{"1", "2", "3"} {
		require.NoError(t, b.bus.Emit(b.ctx, change(sha), bus.For("acme", "shop")))
	}
	require.Equal(t, "1", receive(t, got))
	require.Equal(t, "2", receive(t, got))
	require.Equal(t, "3", receive(t, got))
}

func TestAfterIsNotCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var calls atomic.Int32
	done := make(chan struct{})
	b.run(t, func(r *bus.Router) {
		bus.On(r, func(context.Context, events.Event[events.ChangeMerged]) error {
			if calls.Add(1) < 10 { // more often than MaxAttempts
				return bus.After(time.Millisecond, errors.New("registry is starting"))
			}
			close(done)
			return nil
		})
	})
	require.NoError(t, b.bus.Emit(b.ctx, change("1"), bus.For("acme", "shop")))
	wait(t, done)
	require.Empty(t, b.history(t, bus.Query{Types: []string{"delivery.deadlettered"}}))
}

func TestWhatCannotBeHandledIsDeadLettered(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handle   func() error
		attempts int
		reason   string
	}{
		"Permanent": {func() error { return bus.Permanent(errors.New("no such repository")) }, 1, "no such repository"},
		"TooOften":  {func() error { return errors.New("still broken") }, 3, "still broken"},
		"Panic":     {func() error { panic("boom") }, 3, "boom"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.run(t, func(r *bus.Router) {
				bus.On(r, func(context.Context, events.Event[events.ChangeMerged]) error { return tc.handle() })
			})
			require.NoError(t, b.bus.Emit(b.ctx, change("1"), bus.For("acme", "shop")))
			dead := b.deadLetter(t)
			require.Contains(t, dead.Header.Get("Hydra-Reason"), tc.reason)
			require.Equal(t, fmt.Sprint(tc.attempts), dead.Header.Get("Hydra-Attempts"))
			require.Equal(t, "1", dead.Header.Get("Hydra-Origin-Sequence"))
			original, err := bus.FromMessage(dead.Header, dead.Data)
			require.NoError(t, err, "the event itself is kept as it came")
			require.Equal(t, "dev.cdevents.change.merged.0.3.0", original.Type())
		})
	}
}

func (b bundle) deadLetter(t *testing.T) *jetstream.RawStreamMsg {
	t.Helper()
	stream, err := b.bus.JetStream().Stream(b.ctx, bus.StreamDeadLetters)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := stream.Info(b.ctx)
		return err == nil && info.State.Msgs == 1
	}, 5*time.Second, 10*time.Millisecond)
	msg, err := stream.GetMsg(b.ctx, 1)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return len(b.history(t, bus.Query{Types: []string{"delivery.deadlettered"}})) == 1
	}, 5*time.Second, 10*time.Millisecond)
	return msg
}

func TestUndecodableMessageIsDeadLettered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t, func(r *bus.Router) {
		bus.On(r, func(context.Context, events.Event[events.ChangeMerged]) error { return nil })
	})
	_, err := b.bus.JetStream().Publish(b.ctx, "ev.acme.change.merged.shop", []byte("no event at all"))
	require.NoError(t, err)
	require.Contains(t, b.deadLetter(t).Header.Get("Hydra-Reason"), "ce-specversion is missing")
}

func TestUndeclaredEmitIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t, func(r *bus.Router) {
		bus.On(r, func(ctx context.Context, _ events.Event[events.ChangeMerged]) error {
			return b.bus.Emit(ctx, events.BuildFinished{BuildID: "b1"})
		}, events.BuildQueued{})
	})
	require.NoError(t, b.bus.Emit(b.ctx, change("1"), bus.For("acme", "shop")))
	require.Contains(t, b.deadLetter(t).Header.Get("Hydra-Reason"), "without declaring it")
}

func TestLongHandlerKeepsItsDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *bus.Options) { o.AckWait = 300 * time.Millisecond })
	var calls atomic.Int32
	release, done := make(chan struct{}), make(chan struct{})
	b.run(t, func(r *bus.Router) {
		bus.On(r, func(context.Context, events.Event[events.ChangeMerged]) error {
			calls.Add(1)
			<-release
			close(done)
			return nil
		})
	})
	require.NoError(t, b.bus.Emit(b.ctx, change("1"), bus.For("acme", "shop")))
	require.Never(t, func() bool { return calls.Load() > 1 }, 1200*time.Millisecond, 50*time.Millisecond)
	close(release)
	wait(t, done)
}

func TestStopDrainsAndGivesBackWhatIsUnfinished(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *bus.Options) { o.Drain = 200 * time.Millisecond })
	started := make(chan struct{}, 2)
	stop := b.run(t, func(r *bus.Router) {
		bus.On(r, func(ctx context.Context, e events.Event[events.ChangeMerged]) error {
			started <- struct{}{}
			<-ctx.Done() // a build that takes longer than the drain
			return ctx.Err()
		})
	})
	require.NoError(t, b.bus.Emit(b.ctx, change("1"), bus.For("acme", "shop")))
	wait(t, started)
	stop()

	got := make(chan string, 1)
	b.run(t, func(r *bus.Router) {
		bus.On(r, func(_ context.Context, e events.Event[events.ChangeMerged]) error {
			got <- e.Data.Commit.SHA
			return nil
		})
	})
	require.Equal(t, "1", receive(t, got))
}

func TestLargeDataTravelsByClaimCheck(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := make(chan string, 1)
	b.run(t, func(r *bus.Router) {
		bus.On(r, func(_ context.Context, e events.Event[events.ApplicationRequested]) error {
			got <- e.Data.Spec
			return nil
		})
	})
	spec := strings.Repeat("a long application\n", 20_000)
	require.NoError(t, b.bus.Emit(b.ctx, events.ApplicationRequested{Name: "shop", Spec: spec}, bus.For("acme", "shop")))
	require.Equal(t, spec, receive(t, got))

	stream, err := b.bus.JetStream().Stream(b.ctx, bus.StreamEvents)
	require.NoError(t, err)
	msg, err := stream.GetMsg(b.ctx, 1)
	require.NoError(t, err)
	require.Empty(t, msg.Data)
	require.NotEmpty(t, msg.Header["ce-dataref"])
}

func TestHistorySelects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, app := range []string{"shop", "shop", "blog"} {
		require.NoError(t, b.bus.Emit(b.ctx, change(fmt.Sprint(i)), bus.For("acme", app)))
	}
	require.NoError(t, b.bus.Emit(b.ctx, events.BuildQueued{BuildID: "b"}, bus.For("other", "shop")))
	for name, tc := range map[string]struct {
		query bus.Query
		want  int
	}{
		"All":       {bus.Query{}, 4},
		"Project":   {bus.Query{Project: "acme"}, 3},
		"App":       {bus.Query{App: "shop"}, 3},
		"Both":      {bus.Query{Project: "acme", App: "shop"}, 2},
		"Type":      {bus.Query{Types: []string{"build.queued"}}, 1},
		"Wildcard":  {bus.Query{Types: []string{"build.*"}}, 1},
		"ManyTypes": {bus.Query{Types: []string{"build.queued", "build.started", "build.finished", "change.merged", "service.deployed"}}, 4},
		"From":      {bus.Query{FromSeq: 3}, 2},
		"Limit":     {bus.Query{Limit: 2}, 2},
		"Beyond":    {bus.Query{FromSeq: 99}, 0},
		"None":      {bus.Query{Project: "nobody"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			require.Len(t, b.history(t, tc.query), tc.want)
		})
	}
}

func TestTailGoesOnWithWhatComesLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.bus.Emit(b.ctx, change("0"), bus.For("acme", "shop")))
	ctx, cancel := context.WithCancel(b.ctx)
	got, ended := make(chan string, 4), make(chan error, 1)
	go func() {
		ended <- b.bus.Tail(ctx, bus.Query{Project: "acme"}, func(s bus.Stored) error { got <- s.Subject; return nil })
	}()
	require.Equal(t, "0", receive(t, got))
	require.NoError(t, b.bus.Emit(b.ctx, change("1"), bus.For("acme", "shop")))
	require.Equal(t, "1", receive(t, got))
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestRegisteringTwiceIsAMistake(t *testing.T) {
	t.Parallel()
	r := bus.NewRouter("builder")
	handler := func(context.Context, events.Event[events.ChangeMerged]) error { return nil }
	bus.On(r, handler)
	require.NoError(t, r.Err())
	bus.On(r, handler)
	require.ErrorContains(t, r.Err(), "two handlers")
}

func wait(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing happened within 10 s")
	}
}

func receive(t *testing.T, c <-chan string) string {
	t.Helper()
	select {
	case s := <-c:
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("nothing arrived within 10 s")
		return ""
	}
}
