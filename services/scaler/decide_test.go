// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// steady is an app with four replicas that carry ten requests/s each.
func steady() Inputs {
	return Inputs{
		Current: 4, Base: 4, Highest: 4, Min: 1, Max: 20, RequestsPerReplica: 10,
		Manual: notFixed, Wait: 60, Age: 2, Requests: 40,
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change   func(in *Inputs)
		to       int
		proposed int
		signal   string
		clamps   []string
		reason   string
	}{
		"Steady":             {func(*Inputs) {}, 4, 4, "requests", nil, "the load fits 4 replicas"},
		"WithinTolerance":    {func(in *Inputs) { in.Requests = 43.9 }, 4, 4, "requests", nil, "the load fits 4 replicas"},
		"JustAboveTolerance": {func(in *Inputs) { in.Requests = 44.1 }, 5, 5, "requests", nil, "44.1 requests/s at 10 for each replica need 5"},
		"UpAtOnce":           {func(in *Inputs) { in.Requests = 75 }, 8, 8, "requests", nil, "75 requests/s at 10 for each replica need 8"},
		"UpAtMostDouble":     {func(in *Inputs) { in.Requests = 180 }, 8, 18, "requests", []string{"rate 8 in 15 s"}, "180 requests/s at 10 for each replica need 18"},
		"UpAtLeastByFour":    {func(in *Inputs) { in.Current, in.Base, in.Requests = 1, 1, 180 }, 5, 18, "requests", []string{"rate 5 in 15 s"}, "180 requests/s at 10 for each replica need 18"},
		"RateUsedUp":         {func(in *Inputs) { in.Current, in.Base, in.Requests = 8, 4, 180 }, 8, 18, "requests", []string{"rate 8 in 15 s"}, "held: 4 replicas were added within the last 15 s"},
		"AtMostMax":          {func(in *Inputs) { in.Current, in.Base, in.Requests = 15, 15, 900 }, 20, 90, "requests", []string{"max 20"}, "900 requests/s at 10 for each replica need 90"},
		"DownWaits":          {func(in *Inputs) { in.Requests = 10 }, 4, 1, "requests", []string{"wait 60 s"}, "held: 4 replicas were needed within the last 60 s"},
		"DownToHighest":      {func(in *Inputs) { in.Requests, in.Highest = 10, 2 }, 2, 1, "requests", []string{"wait 60 s"}, "10 requests/s at 10 for each replica need 1"},
		"DownAfterTheWait":   {func(in *Inputs) { in.Requests, in.Highest = 10, 1 }, 1, 1, "requests", nil, "10 requests/s at 10 for each replica need 1"},
		"NoLoadKeepsMin":     {func(in *Inputs) { in.Requests, in.Highest, in.Min = 0, 0, 2 }, 2, 0, "requests", []string{"min 2"}, "0 requests/s at 10 for each replica need 0"},
		"ToZeroWhenAllowed":  {func(in *Inputs) { in.Requests, in.Highest, in.Min = 0, 0, 0 }, 0, 0, "requests", nil, "0 requests/s at 10 for each replica need 0"},
		"FromZero":           {func(in *Inputs) { in.Current, in.Base, in.Min, in.Requests = 0, 0, 0, 0.2 }, 1, 1, "requests", nil, "0.2 requests/s at 10 for each replica need 1"},
		"RaisedToMin":        {func(in *Inputs) { in.Current, in.Base, in.Min, in.Requests = 1, 1, 9, 10 }, 9, 1, "requests", []string{"min 9"}, "10 requests/s at 10 for each replica need 1"},
		"MaxLoweredAtOnce":   {func(in *Inputs) { in.Max = 3 }, 3, 4, "requests", []string{"max 3"}, "40 requests/s at 10 for each replica need 4"},
		"Stale":              {func(in *Inputs) { in.Age, in.Requests = 61, 500 }, 4, 4, "requests", nil, "held: the newest measurement is older than 60 s"},
		"StaleBelowMin":      {func(in *Inputs) { in.Age, in.Min = 61, 6 }, 6, 4, "requests", []string{"min 6"}, "held: the newest measurement is older than 60 s"},
		"NeverMeasured":      {func(in *Inputs) { in.Age = unmeasured }, 4, 4, "requests", nil, "held: nothing was measured yet"},
		"NotANumber":         {func(in *Inputs) { in.Requests = math.NaN() }, 4, 4, "requests", nil, "held: the measurement is not a number"},
		"NoTarget":           {func(in *Inputs) { in.RequestsPerReplica = 0 }, 4, 4, "requests", nil, "held: the policy names no target; give requestsPerSecond or cpu"},
		"CPU":                {func(in *Inputs) { in.RequestsPerReplica, in.CPUPerReplica, in.CPU = 0, 0.5, 3.1 }, 7, 7, "cpu", nil, "3.1 cores at 0.5 for each replica need 7"},
		"CPUKeepsOne":        {func(in *Inputs) { in.RequestsPerReplica, in.CPUPerReplica, in.Min, in.Highest = 0, 0.5, 0, 0 }, 1, 0, "cpu", []string{"min 1"}, "0 cores at 0.5 for each replica need 0"},
		"HigherSignalWins":   {func(in *Inputs) { in.CPUPerReplica, in.CPU = 0.5, 3.1 }, 7, 7, "cpu", nil, "3.1 cores at 0.5 for each replica need 7"},
		"Manual":             {func(in *Inputs) { in.Manual, in.Requests = 30, 500 }, 30, 30, "manual", nil, "fixed at 30 by a person"},
		"ManualZero":         {func(in *Inputs) { in.Manual = 0 }, 0, 0, "manual", nil, "fixed at 0 by a person"},
		"Deploying":          {func(in *Inputs) { in.Deploying, in.Requests, in.Manual = true, 500, 7 }, 4, 4, "requests", nil, "held: a roll-out is under way"},
		"Autoscaled":         {func(in *Inputs) { in.Autoscaled, in.Manual = true, 7 }, 4, 4, "requests", nil, "left alone: a HorizontalPodAutoscaler owns the number of replicas; change or remove it instead"},
		"FloatSum":           {func(in *Inputs) { in.RequestsPerReplica, in.Requests = 0.1, 0.1*3 + 0.3 }, 6, 6, "requests", nil, "0.6 requests/s at 0.1 for each replica need 6"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := steady()
			test.change(&in)
			a := Decide(in)
			require.Equal(t, test.to, a.To)
			require.Equal(t, test.proposed, a.Proposed)
			require.Equal(t, test.signal, a.Signal)
			require.Equal(t, test.clamps, a.Clamps)
			require.Equal(t, test.reason, a.Reason)
		})
	}
}

// FuzzDecide checks what holds for any input at all.
func FuzzDecide(f *testing.F) {
	f.Add(4, 4, 4, 1, 20, 10.0, 0.0, -1, 2.0, 40.0, 0.0, false)
	f.Add(1, 1, 0, 0, 0, 0.0, 0.5, -1, 61.0, math.Inf(1), 3.0, false)
	f.Add(9, 3, 9, 5, 2, 1e-300, 1e300, 7, -1.0, math.NaN(), -4.0, true)
	f.Fuzz(func(t *testing.T, current, base, highest, low, high int, rps, cpu float64, manual int, age, requests, cores float64, deploying bool) {
		const most = 1 << 20 // beyond it no cluster has a number, and sums overflow
		for _, n := range []*int{&current, &base, &highest, &low, &high} {
			*n = min(max(*n, 0), most)
		}
		in := Inputs{
			Current: current, Base: base, Highest: highest, Min: low, Max: high, RequestsPerReplica: rps, CPUPerReplica: cpu,
			Manual: max(manual, notFixed), Wait: 60, Age: age, Requests: requests, CPU: cores, Deploying: deploying,
		}
		a := Decide(in)
		require.Equal(t, a, Decide(in), "the same inputs give the same answer")
		require.NotEmpty(t, a.Reason)
		require.NotEmpty(t, a.Signal)
		if in.Deploying {
			require.Equal(t, in.Current, a.To)
			return
		}
		if in.Manual != notFixed {
			require.Equal(t, in.Manual, a.To)
			return
		}
		least, most2 := bounds(in)
		require.GreaterOrEqual(t, a.To, least)
		require.LessOrEqual(t, a.To, most2)
		if _, bad := in.unusable(); bad && in.Current >= least && in.Current <= most2 {
			require.Equal(t, in.Current, a.To, "what was not measured does not scale")
		}
		if a.To > in.Current && a.To > least {
			require.LessOrEqual(t, a.To, min(in.Base, in.Current)+max(rateReplicas, in.Base), "the rate limit holds")
		}
		if a.To < in.Current {
			require.True(t, a.To >= min(in.Highest, most2), "the wait holds")
		}
	})
}

// TestReplay is the audit: a stored decision can be made again from what was
// stored with it.
func TestReplay(t *testing.T) {
	t.Parallel()
	for _, in := range []Inputs{steady(), {Current: 3, Base: 1, Highest: 7, Min: 2, Max: 9, CPUPerReplica: 0.25, Manual: 5, Wait: 30, Age: -1, CPU: 1.5, Deploying: true, Autoscaled: true}} {
		data, err := json.Marshal(in.Map())
		require.NoError(t, err)
		var stored map[string]float64
		require.NoError(t, json.Unmarshal(data, &stored))
		require.Equal(t, in, InputsOf(stored))
		require.Equal(t, Decide(in), Decide(InputsOf(stored)))
	}
}
