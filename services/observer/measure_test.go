// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events/record"
)

func TestMatters(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	told := record.Load{Requests: 100, CPU: 1, Replicas: 2, At: at}
	for name, test := range map[string]struct {
		change func(l *record.Load)
		want   bool
	}{
		"Same":          {func(*record.Load) {}, false},
		"LittleMore":    {func(l *record.Load) { l.Requests = 109 }, false},
		"More":          {func(l *record.Load) { l.Requests = 111 }, true},
		"Less":          {func(l *record.Load) { l.Requests = 80 }, true},
		"Silence":       {func(l *record.Load) { l.Requests = 0 }, true},
		"CPU":           {func(l *record.Load) { l.CPU = 1.3 }, true},
		"Replica":       {func(l *record.Load) { l.Replicas = 3 }, true},
		"Errors":        {func(l *record.Load) { l.Errors = 0.05 }, true},
		"MemoryIsNoise": {func(l *record.Load) { l.Memory = 1 << 30 }, false},
		"Reminder":      {func(l *record.Load) { l.At = at.Add(reminder) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := told
			now.At = at.Add(5 * time.Second)
			test.change(&now)
			require.Equal(t, test.want, matters(&told, now))
		})
	}
	idle := record.Load{Replicas: 1, At: at}
	later := record.Load{Replicas: 1, At: at.Add(time.Hour)}
	require.False(t, matters(&idle, later), "an idle app is not told again and again")
	require.True(t, matters(&idle, record.Load{Requests: 0.1, Replicas: 1, At: at.Add(time.Second)}), "the first request")
	require.True(t, matters(nil, idle))
	require.False(t, matters(nil, record.Load{}))
}

type onePod struct{ count int }

func (onePod) names(appKey) []string { return []string{"hydra-acme/shop-1"} }
func (p onePod) ready(appKey) int    { return p.count }

func TestWhatIsNotKnownIsNotZero(t *testing.T) {
	t.Parallel()
	key, at := appKey{"acme", "shop"}, time.Now()
	full := snapshot{
		haveRequests: true, haveUsage: true,
		requests: map[string]float64{"shop.acme.localhost": 20}, errors: map[string]float64{"shop.acme.localhost": 5},
		p50: map[string]float64{}, p95: map[string]float64{"shop.acme.localhost": 0.2},
		cpu: map[string]float64{"hydra-acme/shop-1": 0.5, "hydra-other/shop-1": 9}, memory: map[string]float64{"hydra-acme/shop-1": 1e6},
	}
	l := full.load(key, "shop.acme.localhost", onePod{1}, 20*time.Second, at)
	require.Equal(t, record.Load{Project: "acme", App: "shop", Window: 20, Requests: 20, Errors: 0.25, LatencyP95: 0.2, CPU: 0.5, Memory: 1e6, Replicas: 1, At: at}, l)

	blind := full
	blind.haveRequests, blind.haveUsage = false, false
	require.Equal(t, []string{"requests", "cpu"}, blind.load(key, "shop.acme.localhost", onePod{1}, time.Second, at).Unknown)

	fresh := full
	fresh.cpu = nil
	require.Equal(t, []string{"cpu"}, fresh.load(key, "", onePod{1}, time.Second, at).Unknown, "a pod that nobody measured yet")
	require.Empty(t, fresh.load(key, "", onePod{0}, time.Second, at).Unknown, "no pod, no CPU")
}
