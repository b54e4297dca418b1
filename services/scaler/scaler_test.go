// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/natsd/natsdtest"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/scaler/replicas"
)

// shelf is a cluster of Deployments in memory, which may fail when written.
type shelf struct {
	mu     sync.Mutex
	counts map[string]int
	writes int
	fail   error
}

func (s *shelf) Get(_ context.Context, w record.Workload) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.counts[w.Namespace+"/"+w.Name]
	if !ok {
		return 0, replicas.ErrNoWorkload
	}
	return n, nil
}

func (s *shelf) Set(_ context.Context, w record.Workload, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if s.counts[w.Namespace+"/"+w.Name] != n {
		s.counts[w.Namespace+"/"+w.Name] = n
		s.writes++
	}
	return nil
}

func (s *shelf) Autoscaled(_ context.Context, w record.Workload) (bool, error) {
	return w.Name == "autoscaled", nil
}

// testClock is a clock that tests set.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *testClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type bench struct {
	*Service
	t     *testing.T
	b     *buckets
	shelf *shelf
	clock *testClock
	bus   *bus.Bus
}

// setup runs the unit's handlers against a real JetStream. Its own rounds are
// left to the tests.
func setup(t *testing.T) *bench {
	t.Helper()
	_, nc := natsdtest.Start(t)
	clk := &testClock{now: time.Now().UTC()}
	events, err := bus.New(t.Context(), nc, bus.Options{Unit: "scaler", Log: zerolog.Nop(), Backoff: []time.Duration{10 * time.Millisecond}})
	require.NoError(t, err)
	s, err := New(DefaultConfig(), service.Deps{Bus: events, Clock: clk})
	require.NoError(t, err)
	x := &bench{Service: s, t: t, shelf: &shelf{counts: map[string]int{"hydra-acme/shop": 1}}, clock: clk, bus: events}
	s.replicas = x.shelf
	x.b, err = s.buckets(t.Context())
	require.NoError(t, err)
	x.app(func(*record.App) {})
	return x
}

// handle runs the handlers until the test ends.
func (x *bench) handle() {
	r := bus.NewRouter("scaler")
	x.Register(r)
	ctx, cancel := context.WithCancel(x.t.Context())
	done := make(chan error, 1)
	go func() { done <- x.bus.Run(ctx, r) }()
	x.t.Cleanup(func() { cancel(); <-done })
}

func (x *bench) app(change func(a *record.App)) {
	x.t.Helper()
	a := record.App{
		Name: "shop", Project: "acme", Status: record.AppHealthy,
		Workloads: []record.Workload{{Component: "shop", APIVersion: "apps/v1", Kind: "Deployment", Name: "shop", Namespace: "hydra-acme"}},
		Scaling:   &record.ScalePolicy{Min: 1, Max: 6, RequestsPerSecond: 10},
	}
	change(&a)
	require.NoError(x.t, x.b.apps.Put(x.t.Context(), "acme.shop", a))
}

func (x *bench) load(rps float64) {
	x.t.Helper()
	require.NoError(x.t, x.b.loads.Put(x.t.Context(), "acme.shop", record.Load{Project: "acme", App: "shop", Requests: rps, At: x.clock.Now()}))
}

func (x *bench) target() record.ScaleTarget {
	x.t.Helper()
	t, err := x.b.targets.Get(x.t.Context(), "acme.shop")
	require.NoError(x.t, err)
	return t
}

func (x *bench) reconcileNow() {
	x.t.Helper()
	require.NoError(x.t, x.reconcile(x.t.Context(), "acme", "shop"))
}

func (x *bench) count(name string) int {
	x.t.Helper()
	n := 0
	require.NoError(x.t, x.bus.History(x.t.Context(), bus.Query{Types: []string{name}}, func(bus.Stored) error { n++; return nil }))
	return n
}

func TestLoadAddsAndTakesAwayReplicas(t *testing.T) {
	t.Parallel()
	x := setup(t)
	x.handle()
	x.load(38)
	require.NoError(t, x.bus.Emit(t.Context(), events.WorkloadMeasured{Name: "shop", Requests: 38}, bus.For("acme", "shop")))
	require.Eventually(t, func() bool { return x.count("workload.scaled") == 1 }, 20*time.Second, 20*time.Millisecond)
	require.Equal(t, 4, x.shelf.counts["hydra-acme/shop"])
	require.Equal(t, 4, x.target().Target)
	require.False(t, x.target().ScaledAt.IsZero())

	// Silence: nothing before the wait is over, then one step down.
	for range 15 {
		x.clock.pass(5 * time.Second)
		x.load(0)
		x.reconcileNow()
	}
	require.Equal(t, 1, x.shelf.counts["hydra-acme/shop"])
	require.Equal(t, 2, x.shelf.writes, "one step up, one down")
	require.Equal(t, 2, x.count("workload.scaled"))
	require.LessOrEqual(t, x.count("scaling.decided"), 6, "holding is not told every time")

	stored := x.target()
	require.NotEmpty(t, stored.Decisions)
	for _, d := range stored.Decisions {
		again := Decide(InputsOf(d.Inputs))
		require.Equal(t, d.To, again.To)
		require.Equal(t, d.Reason, again.Reason)
	}
}

// TestKilledAnywhere interrupts a decision at each of its steps and lets
// another process go on.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	x := setup(t)
	x.load(38)
	x.shelf.fail = errors.New("killed before the cluster was written")
	require.Error(t, x.reconcile(t.Context(), "acme", "shop"))
	require.NotNil(t, x.target().Pending)
	x.shelf.fail = nil

	// The scale is written and the events are out, but the record still says
	// pending: as if the process had ended just before its last write.
	before := x.target()
	x.reconcileNow()
	require.NoError(t, x.b.targets.Put(t.Context(), "acme.shop", before))
	x.reconcileNow()
	x.reconcileNow()
	require.Equal(t, 4, x.shelf.counts["hydra-acme/shop"])
	require.Equal(t, 1, x.shelf.writes)
	require.Equal(t, 1, x.count("workload.scaled"))
	require.Nil(t, x.target().Pending)
}

func TestManualFixesAndNilReturnsToThePolicy(t *testing.T) {
	t.Parallel()
	x := setup(t)
	x.handle()
	three := 3
	require.NoError(t, x.bus.Emit(t.Context(), events.ScalingRequested{Name: "shop", Replicas: &three}, bus.For("acme", "shop")))
	require.Eventually(t, func() bool { return x.count("workload.scaled") == 1 }, 20*time.Second, 20*time.Millisecond)
	x.clock.pass(time.Second)
	x.load(60)
	x.reconcileNow()
	require.Equal(t, 3, x.shelf.counts["hydra-acme/shop"])

	require.NoError(t, x.bus.Emit(t.Context(), events.ScalingRequested{Name: "shop"}, bus.For("acme", "shop")))
	require.Eventually(t, func() bool { return x.count("workload.scaled") == 2 }, 20*time.Second, 20*time.Millisecond)
	require.Equal(t, 6, x.shelf.counts["hydra-acme/shop"])
	require.Nil(t, x.target().Policy.Manual)

	tooMany := 1000
	require.NoError(t, x.bus.Emit(t.Context(), events.ScalingRequested{Name: "shop", Replicas: &tooMany}, bus.For("acme", "shop")))
	require.Eventually(t, func() bool { return x.count("delivery.deadlettered") == 1 }, 20*time.Second, 20*time.Millisecond)
	require.Equal(t, 6, x.shelf.counts["hydra-acme/shop"])
}

func TestAnOlderRequestDeliveredAgainChangesNothing(t *testing.T) {
	t.Parallel()
	x := setup(t)
	two, five := 2, 5
	at := func(sequence uint64, n *int) events.Event[events.ScalingRequested] {
		return events.Event[events.ScalingRequested]{Meta: events.Meta{Project: "acme", App: "shop", Sequence: sequence}, Data: events.ScalingRequested{Name: "shop", Replicas: n}}
	}
	require.NoError(t, x.onScalingRequested(t.Context(), at(8, &five)))
	require.NoError(t, x.onScalingRequested(t.Context(), at(7, &two)))
	require.Equal(t, 5, x.shelf.counts["hydra-acme/shop"])
}

func TestLeftAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(a *record.App)
		record bool // the scaler keeps a record with its reason
	}{
		"Deploying":  {func(a *record.App) { a.Status = record.AppDeploying }, true},
		"Removing":   {func(a *record.App) { a.Status = record.AppRemoving }, false},
		"NoPolicy":   {func(a *record.App) { a.Scaling = nil }, false},
		"NoWorkload": {func(a *record.App) { a.Workloads = nil }, false},
		"Gone":       {func(a *record.App) { a.Workloads[0].Name = "gone" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := setup(t)
			x.app(test.change)
			x.load(60)
			x.reconcileNow()
			require.Zero(t, x.shelf.writes)
			require.Zero(t, x.count("workload.scaled"))
			_, err := x.b.targets.Get(t.Context(), "acme.shop")
			require.Equal(t, test.record, err == nil)
		})
	}
}

func TestAnAutoscalerOfKubernetesIsNotOverruled(t *testing.T) {
	t.Parallel()
	x := setup(t)
	x.shelf.counts["hydra-acme/autoscaled"] = 2
	x.app(func(a *record.App) { a.Scaling, a.Workloads[0].Name = nil, "autoscaled" })
	nine := 9
	require.NoError(t, x.onScalingRequested(t.Context(), events.Event[events.ScalingRequested]{
		Meta: events.Meta{Project: "acme", App: "shop", Sequence: 1}, Data: events.ScalingRequested{Name: "shop", Replicas: &nine},
	}))
	require.Equal(t, 2, x.shelf.counts["hydra-acme/autoscaled"])
	require.Contains(t, x.target().Decisions[0].Reason, "HorizontalPodAutoscaler")
}

// TestRunFollowsTheStore lets the unit's own rounds find an app that became
// known after it began, and forget it.
func TestRunFollowsTheStore(t *testing.T) {
	t.Parallel()
	x := setup(t)
	x.cfg.Interval = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	x.load(30)
	require.Eventually(t, func() bool { return x.count("workload.scaled") == 1 }, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, x.b.apps.Delete(t.Context(), "acme.shop"))
	require.Eventually(t, func() bool {
		_, err := x.b.targets.Get(t.Context(), "acme.shop")
		return err != nil
	}, 20*time.Second, 20*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}
