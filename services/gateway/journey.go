// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/bus"
)

// JourneyStatus says how a journey, a stage or a step ended.
type JourneyStatus string

// The states of a journey.
const (
	JourneyAccepted   JourneyStatus = "accepted" // kept, nothing had to follow yet
	JourneyRunning    JourneyStatus = "running"
	JourneySucceeded  JourneyStatus = "succeeded"
	JourneyFailed     JourneyStatus = "failed"
	JourneyRolledBack JourneyStatus = "rolledback" // failed, and the release before serves again
)

// Journey is a push, or a request, with what followed from it.
type Journey struct {
	Correlation string        `json:"correlation" doc:"Id of the event that began it"`
	App         string        `json:"app"`
	Trigger     string        `json:"trigger" doc:"Short name of the event that began it"`
	Title       string        `json:"title,omitempty" doc:"First line of the commit's message, or what was requested"`
	SHA         string        `json:"sha,omitempty"`
	Branch      string        `json:"branch,omitempty"`
	By          string        `json:"by,omitempty" doc:"Author of the commit, or name of the token"`
	BuildID     string        `json:"buildId,omitempty"`
	Revision    int           `json:"revision,omitempty"`
	URL         string        `json:"url,omitempty"`
	Status      JourneyStatus `json:"status" enum:"accepted,running,succeeded,failed,rolledback"`
	Reason      string        `json:"reason,omitempty" doc:"Why it failed"`
	StartedAt   time.Time     `json:"startedAt"`
	EndedAt     *time.Time    `json:"endedAt,omitempty"`
	Duration    float64       `json:"durationSeconds" doc:"From its beginning to its newest event"`
}

// JourneyDetail is a journey with its parts.
type JourneyDetail struct {
	Journey
	Stages []Stage `json:"stages" nullable:"false" doc:"The bars of a waterfall, in the order in which they began"`
	Steps  []Step  `json:"steps" nullable:"false" doc:"Every event, in the order of the stream"`
}

// Stage is a stretch of a journey.
type Stage struct {
	Name     string        `json:"name" enum:"queue,build,test,rollout,rollback"`
	Start    float64       `json:"startSeconds" doc:"Since the journey began"`
	Duration float64       `json:"durationSeconds" doc:"Of one that runs: until the journey's newest event"`
	Status   JourneyStatus `json:"status" enum:"running,succeeded,failed"`
	Reason   string        `json:"reason,omitempty"`
}

// Step is one event of a journey.
type Step struct {
	Event    string        `json:"event" doc:"Short name, or the full type of another producer's"`
	ID       string        `json:"id"`
	Sequence string        `json:"sequence"`
	App      string        `json:"app"`
	Source   string        `json:"source"`
	Subject  string        `json:"subject,omitempty"`
	Time     time.Time     `json:"time"`
	Offset   float64       `json:"offsetSeconds" doc:"Since the journey began"`
	Duration float64       `json:"durationSeconds" doc:"How long what ended here took; 0 for a beginning"`
	Status   JourneyStatus `json:"status" enum:"accepted,running,succeeded,failed,rolledback"`
	Reason   string        `json:"reason,omitempty"`
}

// facts are the members that payloads have in common, read from whichever
// payload has them.
type facts struct {
	Name     string         `json:"name"`
	By       string         `json:"by"`
	BuildID  string         `json:"buildId"`
	Commit   *events.Commit `json:"commit"`
	SHA      string         `json:"sha"`
	Outcome  events.Outcome `json:"outcome"`
	Reason   string         `json:"reason"`
	Message  string         `json:"message"`
	Duration float64        `json:"durationSeconds"`
	Revision int            `json:"revision"`
	Passed   int            `json:"passed"`
	Failed   int            `json:"failed"`
	From     int            `json:"from"`
	To       int            `json:"to"`

	Automatic bool                 `json:"automatic"`
	State     *events.ServiceState `json:"state"`
}

// folding turns the events of one journey into what is shown of it.
type folding struct {
	out  JourneyDetail
	open map[string]int // stage by name, while it runs
	end  time.Time

	failed *bus.Stored // the roll-out that a roll-back answers
}

// fold reads a journey off its events, whatever their order.
func fold(in []bus.Stored) JourneyDetail {
	in = slices.Clone(in)
	slices.SortFunc(in, func(a, b bus.Stored) int { return cmp.Compare(a.Sequence, b.Sequence) })
	f := &folding{open: map[string]int{}}
	first := in[0]
	f.out.Journey = Journey{
		Correlation: first.CorrelationID, App: first.App, Trigger: stepName(first), Status: JourneyRunning, StartedAt: first.Time,
	}
	f.out.Stages, f.out.Steps = []Stage{}, []Step{}
	for _, e := range in {
		f.add(e)
	}
	newest := in[len(in)-1].Time
	f.out.Duration = seconds(newest.Sub(first.Time))
	for _, i := range f.open {
		f.out.Stages[i].Duration = max(0, f.out.Duration-f.out.Stages[i].Start)
	}
	if !f.end.IsZero() && f.out.Status != JourneyRunning {
		f.out.EndedAt, f.out.Duration = &f.end, seconds(f.end.Sub(first.Time))
	}
	return f.out
}

func (f *folding) add(e bus.Stored) {
	var d facts
	_ = events.Decode(e.Event.Data(), &d) // another producer's data may be anything
	j, step := &f.out.Journey, Step{
		Event: stepName(e), ID: e.ID, Sequence: strconv.FormatUint(e.Sequence, 10), App: e.App, Source: e.Source, Subject: e.Subject,
		Time: e.Time, Offset: seconds(e.Time.Sub(f.out.StartedAt)), Duration: d.Duration, Status: JourneySucceeded, Reason: d.Reason,
	}
	if d.State != nil {
		step.Duration, j.Revision, j.URL = d.State.Duration, d.State.Revision, cmp.Or(d.State.URL, j.URL)
	}
	j.Revision, j.BuildID = cmp.Or(d.Revision, j.Revision), cmp.Or(d.BuildID, j.BuildID)
	if d.Commit != nil {
		j.Title, j.SHA, j.Branch, j.By = cmp.Or(j.Title, d.Commit.Message), cmp.Or(d.Commit.SHA, j.SHA), cmp.Or(d.Commit.Branch, j.Branch), cmp.Or(j.By, d.Commit.Author)
	}
	j.By = cmp.Or(j.By, d.By)

	switch step.Event {
	case "change.merged":
		f.begin("queue", e)
		j.Status = JourneyRunning
	case "build.requested":
		j.Title, j.SHA = cmp.Or(j.Title, "build requested"), cmp.Or(j.SHA, d.SHA)
		f.begin("queue", e)
	case "application.requested":
		j.Title, j.Status = "app applied", JourneyAccepted
		f.ended(e)
	case "application.removalrequested":
		j.Title = "app removed"
	case "rollback.requested":
		j.Title = "roll-back requested"
	case "scaling.requested":
		j.Title = "scaling requested"
	case "build.queued":
		step.Status = JourneyAccepted
		j.Status = JourneyRunning
	case "build.started":
		f.finish("queue", e, JourneySucceeded, "")
		f.begin("build", e)
		step.Status, j.Status = JourneyRunning, JourneyRunning
	case "testsuiterun.started":
		f.begin("test", e)
		step.Status = JourneyRunning
	case "testsuiterun.finished":
		step.Status = outcome(d.Outcome)
		if step.Reason == "" && d.Passed+d.Failed > 0 {
			step.Reason = fmt.Sprintf("%d passed, %d failed", d.Passed, d.Failed)
		}
		f.finish("test", e, step.Status, d.Reason)
	case "build.finished":
		step.Status = outcome(d.Outcome)
		f.finish("queue", e, step.Status, d.Reason)
		f.finish("build", e, step.Status, d.Reason)
		if step.Status == JourneyFailed {
			f.conclude(e, JourneyFailed, d.Reason)
		}
	case "rollout.started":
		f.begin("rollout", e)
		step.Status, j.Status = JourneyRunning, JourneyRunning
	case "rollout.failed":
		step.Status = JourneyFailed
		if d.Message != "" {
			step.Reason = d.Reason + ": " + d.Message
		}
		f.finish("rollout", e, JourneyFailed, step.Reason)
		f.failed = &e // a roll-back may follow; the first release has none
		f.conclude(e, JourneyFailed, step.Reason)
	case "service.deployed", "service.upgraded":
		f.finish("rollout", e, JourneySucceeded, "")
		f.conclude(e, JourneySucceeded, "")
	case "service.rolledback":
		f.finish("rollout", e, JourneySucceeded, "")
		if f.failed != nil {
			f.begin("rollback", *f.failed)
			f.finish("rollback", e, JourneySucceeded, "")
		}
		if d.Automatic {
			step.Status = JourneyRolledBack
			f.conclude(e, JourneyRolledBack, cmp.Or(j.Reason, d.Reason))
		} else {
			f.conclude(e, JourneySucceeded, "")
		}
	case "service.removed", "workload.scaled":
		if d.To != d.From && step.Event == "workload.scaled" {
			step.Reason = fmt.Sprintf("%d to %d: %s", d.From, d.To, d.Reason)
		}
		if len(f.out.Stages) == 0 { // the journey was about this and nothing else
			f.conclude(e, JourneySucceeded, "")
		}
	case "incident.detected":
		step.Status = JourneyFailed
	}
	f.out.Steps = append(f.out.Steps, step)
}

func (f *folding) begin(stage string, e bus.Stored) {
	if _, running := f.open[stage]; running {
		return
	}
	f.open[stage] = len(f.out.Stages)
	f.out.Stages = append(f.out.Stages, Stage{Name: stage, Start: seconds(e.Time.Sub(f.out.StartedAt)), Status: JourneyRunning})
}

func (f *folding) finish(stage string, e bus.Stored, status JourneyStatus, reason string) {
	i, running := f.open[stage]
	if !running {
		return
	}
	delete(f.open, stage)
	st := &f.out.Stages[i]
	st.Duration = max(0, seconds(e.Time.Sub(f.out.StartedAt))-st.Start)
	st.Status, st.Reason = status, reason
}

func (f *folding) conclude(e bus.Stored, status JourneyStatus, reason string) {
	f.out.Status, f.out.Reason = status, reason
	f.ended(e)
}

func (f *folding) ended(e bus.Stored) { f.end = e.Time }

func outcome(o events.Outcome) JourneyStatus {
	if o == events.Success {
		return JourneySucceeded
	}
	return JourneyFailed
}

func stepName(e bus.Stored) string {
	if e.Type.Noun() == "" {
		return string(e.Type)
	}
	return e.Type.Name()
}

// seconds are rounded to milliseconds: more would be noise.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
