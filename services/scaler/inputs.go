// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"slices"
	"time"

	"github.com/hydra-platform/hydra/events/record"
)

// Map is the form in which inputs are stored and sent.
func (in Inputs) Map() map[string]float64 {
	return map[string]float64{
		"current": float64(in.Current), "base": float64(in.Base), "highest": float64(in.Highest),
		"min": float64(in.Min), "max": float64(in.Max), "manual": float64(in.Manual), "waitSeconds": in.Wait,
		"requestsPerReplica": in.RequestsPerReplica, "cpuPerReplica": in.CPUPerReplica,
		"ageSeconds": in.Age, "requestsPerSecond": in.Requests, "cpuCores": in.CPU,
		"deploying": number(in.Deploying), "autoscaled": number(in.Autoscaled),
	}
}

// InputsOf reads back what [Inputs.Map] wrote.
func InputsOf(m map[string]float64) Inputs {
	return Inputs{
		Current: int(m["current"]), Base: int(m["base"]), Highest: int(m["highest"]),
		Min: int(m["min"]), Max: int(m["max"]), Manual: int(m["manual"]), Wait: m["waitSeconds"],
		RequestsPerReplica: m["requestsPerReplica"], CPUPerReplica: m["cpuPerReplica"],
		Age: m["ageSeconds"], Requests: m["requestsPerSecond"], CPU: m["cpuCores"],
		Deploying: m["deploying"] != 0, Autoscaled: m["autoscaled"] != 0,
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// situation is what is known of an app at one moment.
type situation struct {
	app        record.App
	load       *record.Load // nil: never measured
	current    int          // replicas asked for in the cluster
	autoscaled bool
	now        time.Time
}

// inputs joins the situation with what was decided before.
func (s situation) inputs(t record.ScaleTarget) Inputs {
	in := Inputs{
		Current: s.current, Base: base(t, s.current, s.now), Manual: notFixed,
		Age: unmeasured, Autoscaled: s.autoscaled, Deploying: s.app.Status == record.AppDeploying,
	}
	if p := s.app.Scaling; p != nil {
		in.Min, in.Max = p.Min, p.Max
		in.RequestsPerReplica, in.CPUPerReplica = p.RequestsPerSecond, p.CPU
	}
	wait := waitOf(s.app.Scaling)
	in.Wait = wait.Seconds()
	if t.Policy.Manual != nil {
		in.Manual = *t.Policy.Manual
	}
	if s.load != nil {
		in.Age = max(s.now.Sub(s.load.At).Seconds(), 0)
		in.Requests, in.CPU = s.load.Requests, s.load.CPU
		if in.RequestsPerReplica > 0 && slices.Contains(s.load.Unknown, signalRequests) || in.CPUPerReplica > 0 && slices.Contains(s.load.Unknown, signalCPU) {
			in.Age = unmeasured // what nobody could measure is not the same as no load
		}
	}
	in.Highest = highest(t.Window, s.now, wait)
	if len(t.Window) == 0 {
		// The wait has not begun: what runs now counts as asked for.
		in.Highest = s.current
	}
	return in
}

func waitOf(p *record.ScalePolicy) time.Duration {
	if p == nil || p.ScaleDownAfter <= 0 {
		return defaultWait
	}
	return time.Duration(p.ScaleDownAfter * float64(time.Second))
}

// base is how many replicas there were when the running rate period began.
func base(t record.ScaleTarget, current int, now time.Time) int {
	n := current
	for _, d := range t.Decisions { // newest first
		if now.Sub(d.At) >= ratePeriod {
			break
		}
		if d.To > d.From && d.Signal != signalManual {
			n = d.From
		}
	}
	return n
}

// highest is the highest proposal that is not older than wait.
func highest(window []record.Proposal, now time.Time, wait time.Duration) int {
	n := 0
	for _, p := range window {
		if now.Sub(p.At) < wait {
			n = max(n, p.Replicas)
		}
	}
	return n
}

// remember adds a proposal to the window. Only those that can still become
// the highest are kept, newest last, so that the window is never longer than
// there are numbers between the policy's bounds.
func remember(window []record.Proposal, p record.Proposal, wait time.Duration) []record.Proposal {
	kept := make([]record.Proposal, 0, len(window)+1)
	for _, old := range window {
		if p.At.Sub(old.At) < wait && old.Replicas > p.Replicas {
			kept = append(kept, old)
		}
	}
	return append(kept, p)
}
