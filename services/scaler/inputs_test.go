// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events/record"
)

// TestWindowForgetsNothingThatMatters compares the short window with the
// whole history over random proposals.
func TestWindowForgetsNothingThatMatters(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 11))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := start
	var all, window []record.Proposal
	for range 5000 {
		now = now.Add(time.Duration(random.IntN(9000)) * time.Millisecond)
		p := record.Proposal{At: now, Replicas: random.IntN(12)}
		all = append(all, p)
		window = remember(window, p, time.Minute)
		require.LessOrEqual(t, len(window), 12)
		later := now.Add(time.Duration(random.IntN(70)) * time.Second)
		require.Equal(t, highest(all, later, time.Minute), highest(window, later, time.Minute))
	}
}

func TestBaseIsWhereTheRatePeriodBegan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	up := func(ago time.Duration, from, to int, signal string) record.Decision {
		return record.Decision{At: now.Add(-ago), From: from, To: to, Signal: signal}
	}
	require.Equal(t, 9, base(record.ScaleTarget{}, 9, now))
	require.Equal(t, 1, base(record.ScaleTarget{Decisions: []record.Decision{up(2*time.Second, 5, 9, "requests"), up(9*time.Second, 1, 5, "requests"), up(20*time.Second, 0, 1, "requests")}}, 9, now))
	require.Equal(t, 9, base(record.ScaleTarget{Decisions: []record.Decision{up(2*time.Second, 1, 9, "manual")}}, 9, now))
}

func TestStoredReasonsAreAnnouncedOnceAndNotTooOften(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	held := record.Decision{At: at, From: 2, To: 2, Reason: "the load fits 2 replicas"}
	other := record.Decision{At: at.Add(5 * time.Second), From: 2, To: 2, Reason: "held: nothing was measured yet"}
	require.True(t, worthTelling(nil, held))
	require.False(t, worthTelling(&held, held))
	require.False(t, worthTelling(&held, other), "too soon")
	other.At = at.Add(quiet)
	require.True(t, worthTelling(&held, other))
	require.True(t, worthTelling(&held, record.Decision{At: at, From: 2, To: 3}), "a change at once")
}
