// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/natsd/natsdtest"
	"github.com/hydra-platform/hydra/libs/store"
)

type ledgerTest struct {
	*ledger
	t   *testing.T
	now time.Time
}

func newLedger(t *testing.T) *ledgerTest {
	t.Helper()
	_, nc := natsdtest.Start(t)
	b, err := bus.New(t.Context(), nc, bus.Options{Unit: "observer", Log: zerolog.Nop()})
	require.NoError(t, err)
	incidents, err := store.Open[record.Incident](t.Context(), b.JetStream(), record.Incidents)
	require.NoError(t, err)
	releases, err := store.Open[record.Release](t.Context(), b.JetStream(), record.Releases)
	require.NoError(t, err)
	x := &ledgerTest{t: t, now: time.Now().UTC(), ledger: &ledger{bus: b, bucket: incidents, releases: releases, settle: 30 * time.Second}}
	x.restart()
	return x
}

func (x *ledgerTest) restart() {
	require.NoError(x.t, x.load(x.t.Context(), x.now, time.Hour))
}

// pass lets time go by and settles up with what is found then.
func (x *ledgerTest) pass(d time.Duration, owners []string, found ...finding) {
	x.t.Helper()
	x.now = x.now.Add(d)
	set := map[string]bool{}
	for _, o := range owners {
		set[o] = true
	}
	_, err := x.settleUp(x.t.Context(), appKey{"acme", "shop"}, found, set, x.now)
	require.NoError(x.t, err)
}

func (x *ledgerTest) told(event string) (all []bus.Stored) {
	x.t.Helper()
	require.NoError(x.t, x.bus.History(x.t.Context(), bus.Query{Types: []string{event}}, func(s bus.Stored) error { all = append(all, s); return nil }))
	return all
}

func crash(pod string) finding {
	return finding{Verdict{"CrashLoopBackOff", "container shop crashed"}, "Pod/" + pod, "ReplicaSet/one", "7"}
}

func TestOneIncidentForAllReplicasAndRestarts(t *testing.T) {
	t.Parallel()
	x := newLedger(t)
	require.NoError(t, x.releases.Put(t.Context(), "acme.shop.000007", record.Release{CorrelationID: "the-push"}))
	owners := []string{"ReplicaSet/one"}
	x.pass(0, owners, crash("a"), crash("b"))
	x.restart()
	x.pass(time.Second, owners, crash("b"))
	require.Len(t, x.told("incident.detected"), 1)
	require.Equal(t, "the-push", x.told("incident.detected")[0].CorrelationID)

	x.pass(20*time.Second, owners)
	require.Empty(t, x.told("incident.resolved"), "it has not been well for long enough")
	x.pass(20*time.Second, owners)
	require.Len(t, x.told("incident.resolved"), 1)
	x.pass(time.Minute, owners)
	require.Len(t, x.told("incident.resolved"), 1)

	x.restart()
	x.pass(time.Second, owners, crash("a"))
	x.pass(time.Second, nil)
	require.Len(t, x.told("incident.detected"), 2, "the same cause again is another incident")
	require.Len(t, x.told("incident.resolved"), 2, "with its generation gone it ends at once")
	list, err := x.bucket.List(t.Context(), "acme", "shop")
	require.NoError(t, err)
	require.Len(t, list, 2)

	x.now = x.now.Add(2 * time.Hour)
	x.restart()
	list, err = x.bucket.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, list, "what ended long ago is forgotten")
}

// TestKilledBetweenTellingAndStoring loses the last write of each step.
func TestKilledBetweenTellingAndStoring(t *testing.T) {
	t.Parallel()
	x := newLedger(t)
	owners := []string{"ReplicaSet/one"}
	x.pass(0, owners, crash("a"))
	key := record.Key("acme", "shop", cause(appKey{"acme", "shop"}, crash("a")))
	detected, err := x.bucket.Get(t.Context(), key)
	require.NoError(t, err)
	require.NoError(t, x.bucket.Delete(t.Context(), key))
	x.restart()
	x.pass(time.Second, owners, crash("a"))
	require.Len(t, x.told("incident.detected"), 1)

	x.pass(time.Second, nil)
	require.NoError(t, x.bucket.Put(t.Context(), key, detected))
	x.restart()
	x.pass(time.Minute, nil)
	require.Len(t, x.told("incident.resolved"), 1)
	resolved, err := x.bucket.Get(t.Context(), key)
	require.NoError(t, err)
	require.False(t, resolved.ResolvedAt.IsZero())
}
