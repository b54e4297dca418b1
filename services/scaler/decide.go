// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"fmt"
	"math"
	"time"
)

// The numbers of the rule. They are those of the HorizontalPodAutoscaler
// except for the shorter wait before scaling down.
const (
	tolerance      = 0.10             // of the target: less is no reason to move
	staleAfter     = 60 * time.Second // age from which a measurement does not count
	ratePeriod     = 15 * time.Second // in which the rate limit holds
	rateReplicas   = 4                // may always be added in a period; or as many as there are
	defaultWait    = 60 * time.Second // window of the highest proposal before scaling down
	unmeasured     = -1               // Inputs.Age without any measurement
	notFixed       = -1               // Inputs.Manual when nobody fixed the number
	maxReplicas    = 10_000           // beyond which a proposal is an arithmetic accident
	signalRequests = "requests"
	signalCPU      = "cpu"
	signalManual   = "manual"
)

// Inputs is everything a decision is made from. Its fields are stored with
// the decision under the names of [Inputs.Map].
type Inputs struct {
	Current int // replicas that the cluster was asked for last
	Base    int // replicas at the begin of the running rate period
	Highest int // highest proposal within the wait before scaling down

	Min, Max           int
	RequestsPerReplica float64 // per second; 0: not a signal
	CPUPerReplica      float64 // cores; 0: not a signal
	Manual             int     // fixed by a person; -1: not
	Wait               float64 // before scaling down, seconds

	Age      float64 // of the measurement, seconds; -1: there is none
	Requests float64 // per second, of the whole app
	CPU      float64 // cores, of the whole app

	Deploying  bool // a roll-out is under way
	Autoscaled bool // somebody else's autoscaler owns the number
}

// Answer is what [Decide] says.
type Answer struct {
	Signal   string // requests, cpu or manual
	Proposed int    // what the signal alone asks for
	To       int    // after all limits
	Bounded  int    // the proposal within the policy's bounds; what the wait remembers
	Clamps   []string
	Reason   string
}

// Decide says how many replicas an app shall have. It has no state and reads
// no clock.
func Decide(in Inputs) Answer {
	switch {
	case in.Autoscaled:
		return hold(in, "left alone: a HorizontalPodAutoscaler owns the number of replicas; change or remove it instead")
	case in.Deploying:
		return hold(in, "held: a roll-out is under way")
	case in.Manual != notFixed:
		n := max(in.Manual, 0)
		return Answer{Signal: signalManual, Proposed: n, To: n, Bounded: n, Reason: fmt.Sprintf("fixed at %d by a person", n)}
	}
	if reason, ok := in.unusable(); ok {
		a := hold(in, reason)
		a.bound(in)
		return a
	}
	a := in.propose()
	a.bound(in)
	switch {
	case a.To > in.Current:
		a.limitRate(in)
	case a.To < in.Current:
		a.wait(in)
	default:
		a.Reason = fmt.Sprintf("the load fits %d replicas", a.To)
	}
	return a
}

// hold keeps what is there.
func hold(in Inputs, reason string) Answer {
	return Answer{Signal: in.signal(), Proposed: in.Current, To: in.Current, Bounded: in.Current, Reason: reason}
}

func (in Inputs) signal() string {
	if in.RequestsPerReplica <= 0 && in.CPUPerReplica > 0 {
		return signalCPU
	}
	return signalRequests
}

func (in Inputs) unusable() (reason string, bad bool) {
	switch {
	case !(in.RequestsPerReplica > 0) && !(in.CPUPerReplica > 0):
		return "held: the policy names no target; give requestsPerSecond or cpu", true
	case in.Age < 0 || math.IsNaN(in.Age):
		return "held: nothing was measured yet", true
	case in.Age > staleAfter.Seconds():
		return fmt.Sprintf("held: the newest measurement is older than %.0f s", staleAfter.Seconds()), true
	case !usable(in.Requests) || !usable(in.CPU):
		return "held: the measurement is not a number", true
	}
	return "", false
}

func usable(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }

// propose takes the highest of what the signals ask for, as
// HorizontalPodAutoscalers do with several metrics.
func (in Inputs) propose() Answer {
	a := Answer{Signal: in.signal(), Proposed: -1}
	for _, s := range []struct {
		name, unit    string
		value, target float64
	}{
		{signalRequests, "requests/s", in.Requests, in.RequestsPerReplica},
		{signalCPU, "cores", in.CPU, in.CPUPerReplica},
	} {
		if !(s.target > 0) {
			continue
		}
		n := need(s.value, s.target, in.Current)
		if n > a.Proposed {
			a.Signal, a.Proposed = s.name, n
			a.Reason = fmt.Sprintf("%.3g %s at %.3g for each replica need %d", s.value, s.unit, s.target, n)
		}
	}
	a.To = a.Proposed
	return a
}

// need is how many replicas carry value when each carries target. Within the
// tolerance of the target the present number is right.
func need(value, target float64, current int) int {
	if current > 0 && math.Abs(value/(float64(current)*target)-1) <= tolerance {
		return current
	}
	// A sum of floats that should be whole must not cost a replica.
	n := math.Ceil(value/target - 1e-9)
	if !(n < maxReplicas) {
		return maxReplicas
	}
	return int(n)
}

// bound keeps the answer within the policy.
func (a *Answer) bound(in Inputs) {
	low, high := bounds(in)
	switch {
	case a.To < low:
		a.To = low
		a.Clamps = append(a.Clamps, fmt.Sprintf("min %d", low))
	case a.To > high:
		a.To = high
		a.Clamps = append(a.Clamps, fmt.Sprintf("max %d", high))
	}
	a.Bounded = a.To
}

// bounds of the policy. An app that scales by CPU alone keeps one replica:
// with none there is no CPU that could ever wake it.
func bounds(in Inputs) (low, high int) {
	low = max(in.Min, 0)
	if !(in.RequestsPerReplica > 0) {
		low = max(low, 1)
	}
	return low, max(in.Max, low, 1)
}

// limitRate lets the app at most double, or grow by four, in each period.
func (a *Answer) limitRate(in Inputs) {
	low, _ := bounds(in)
	base := min(in.Base, in.Current)
	limit := max(base+max(rateReplicas, base), in.Current, low)
	if a.To > limit {
		a.To = limit
		a.Clamps = append(a.Clamps, fmt.Sprintf("rate %d in %.0f s", limit, ratePeriod.Seconds()))
	}
	if a.To == in.Current {
		a.Reason = fmt.Sprintf("held: %d replicas were added within the last %.0f s", in.Current-base, ratePeriod.Seconds())
	}
}

// wait scales down to the highest number that was asked for within the wait.
func (a *Answer) wait(in Inputs) {
	_, high := bounds(in)
	floor := min(in.Highest, in.Current, high)
	if floor <= a.To {
		return
	}
	a.To = floor
	a.Clamps = append(a.Clamps, fmt.Sprintf("wait %.0f s", in.Wait))
	if a.To == in.Current {
		a.Reason = fmt.Sprintf("held: %d replicas were needed within the last %.0f s", in.Current, in.Wait)
	}
}
