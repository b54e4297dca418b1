// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Patience of [Judge] with pods that may still become well by themselves.
const (
	patienceToConfigure = 5 * time.Second  // a Secret may be applied after the pod
	patienceToPull      = 10 * time.Second // one answer of a registry may be a slip
	patienceToSchedule  = 10 * time.Second // a node may be about to free room
	patienceToProbe     = 20 * time.Second // a program may be slow to start
	patienceToStart     = 60 * time.Second // an image may be large
	crashMemory         = 60 * time.Second // in which a restarted container must live on to count as well
)

// Evidence is what is known of one pod.
type Evidence struct {
	Pod      *corev1.Pod
	Warnings []Warning // of the pod, newest first
	Log      string    // last lines of a container that ended, if they were read
	Now      time.Time
}

// Warning is what Kubernetes says about a pod in an Event.
type Warning struct {
	Reason  string
	Message string
}

// Verdict says what is wrong with a pod, for a person.
type Verdict struct {
	Reason  string // one word, as Kubernetes says it
	Message string
}

// Judge says what is wrong with a pod, the most telling first, or nothing for
// a pod that is well, ends, or may still be starting. It has no state.
func Judge(e Evidence) (Verdict, bool) {
	p := e.Pod
	if p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodSucceeded {
		return Verdict{}, false
	}
	if v, bad := e.unschedulable(); bad {
		return v, true
	}
	statuses := append(append([]corev1.ContainerStatus(nil), p.Status.InitContainerStatuses...), p.Status.ContainerStatuses...)
	for _, judge := range []func(corev1.ContainerStatus) (Verdict, bool){e.waiting, e.ended} {
		for _, c := range statuses {
			if v, bad := judge(c); bad {
				return v, true
			}
		}
	}
	if v, bad := e.probe(); bad {
		return v, true
	}
	if p.Status.Phase == corev1.PodFailed {
		return Verdict{or(p.Status.Reason, "Failed"), fmt.Sprintf("pod %s failed: %s", p.Name, or(p.Status.Message, "Kubernetes gives no reason"))}, true
	}
	return e.stuck()
}

func (e Evidence) unschedulable() (Verdict, bool) {
	c := condition(e.Pod, corev1.PodScheduled)
	if c == nil || c.Status != corev1.ConditionFalse || c.Reason != corev1.PodReasonUnschedulable {
		return Verdict{}, false
	}
	if e.Now.Sub(c.LastTransitionTime.Time) < patienceToSchedule {
		return Verdict{}, false
	}
	return Verdict{"Unschedulable", fmt.Sprintf("no node takes pod %s: %s", e.Pod.Name, c.Message)}, true
}

// waiting judges a container that does not run and waits for something.
func (e Evidence) waiting(c corev1.ContainerStatus) (Verdict, bool) {
	w := c.State.Waiting
	if w == nil {
		return Verdict{}, false
	}
	reason := w.Reason
	if reason == "ErrImagePull" && e.age() >= patienceToPull {
		reason = "ImagePullBackOff" // the kubelet says the one and the other by turns
	}
	switch reason {
	case "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
		return Verdict{reason, fmt.Sprintf("image %s cannot be pulled: %s", e.image(c), e.pullAnswer(w.Message))}, true
	case "CrashLoopBackOff":
		if end := c.LastTerminationState.Terminated; end != nil && end.Reason == "OOMKilled" {
			return e.outOfMemory(c), true
		}
		return Verdict{"CrashLoopBackOff", fmt.Sprintf("container %s crashed %s: %s", c.Name, times(c.RestartCount), e.end(c.LastTerminationState.Terminated))}, true
	case "CreateContainerConfigError":
		// The kubelet's message names the missing Secret, ConfigMap or key.
		if e.age() < patienceToConfigure {
			return Verdict{}, false
		}
		return Verdict{w.Reason, fmt.Sprintf("container %s cannot be configured: %s", c.Name, or(w.Message, "a Secret or ConfigMap that it names is missing"))}, true
	case "CreateContainerError", "RunContainerError", "StartError", "PostStartHookError":
		return Verdict{w.Reason, fmt.Sprintf("container %s cannot be started: %s", c.Name, or(w.Message, e.end(c.LastTerminationState.Terminated)))}, true
	}
	return Verdict{}, false
}

// ended judges a container that ended, or was started again a moment ago.
func (e Evidence) ended(c corev1.ContainerStatus) (Verdict, bool) {
	end := c.State.Terminated
	if end == nil && c.State.Running != nil && e.Now.Sub(c.State.Running.StartedAt.Time) < crashMemory {
		end = c.LastTerminationState.Terminated
	}
	if end == nil {
		return Verdict{}, false
	}
	switch {
	case end.Reason == "OOMKilled":
		return e.outOfMemory(c), true
	case end.Reason == "StartError" || end.Reason == "ContainerCannotRun":
		return Verdict{end.Reason, fmt.Sprintf("container %s cannot be started: %s", c.Name, e.end(end))}, true
	case end.ExitCode != 0 && (c.RestartCount > 1 || c.State.Terminated != nil && e.Pod.Spec.RestartPolicy == corev1.RestartPolicyNever):
		reason := "CrashLoopBackOff"
		if c.RestartCount == 0 {
			reason = "Error"
		}
		return Verdict{reason, fmt.Sprintf("container %s crashed %s: %s", c.Name, times(c.RestartCount), e.end(end))}, true
	}
	return Verdict{}, false
}

func (e Evidence) outOfMemory(c corev1.ContainerStatus) Verdict {
	limit := "it has no limit of its own: the node ran out of memory"
	for _, spec := range e.Pod.Spec.Containers {
		if m := spec.Resources.Limits.Memory(); spec.Name == c.Name && m != nil && !m.IsZero() {
			limit = "its limit is " + m.String()
		}
	}
	return Verdict{"OOMKilled", fmt.Sprintf("container %s used more memory than it may and was killed; %s", c.Name, limit)}
}

// probe judges a pod that runs and does not become or stay ready.
func (e Evidence) probe() (Verdict, bool) {
	ready := condition(e.Pod, corev1.PodReady)
	if e.Pod.Status.Phase != corev1.PodRunning || ready == nil || ready.Status == corev1.ConditionTrue {
		return Verdict{}, false
	}
	since := ready.LastTransitionTime.Time
	for _, c := range e.Pod.Status.ContainerStatuses {
		if r := c.State.Running; r != nil && r.StartedAt.After(since) {
			since = r.StartedAt.Time
		}
	}
	if e.Now.Sub(since) < patienceToProbe {
		return Verdict{}, false
	}
	for _, w := range e.Warnings {
		if w.Reason == "Unhealthy" {
			return Verdict{"Unhealthy", fmt.Sprintf("pod %s runs but is not ready: %s", e.Pod.Name, oneLine(w.Message))}, true
		}
	}
	return Verdict{"Unhealthy", fmt.Sprintf("pod %s runs but is not ready: %s", e.Pod.Name, or(ready.Message, "its readiness probe does not succeed"))}, true
}

// stuck judges a pod that was given to a node and does not begin.
func (e Evidence) stuck() (Verdict, bool) {
	if e.Pod.Status.Phase != corev1.PodPending || e.age() < patienceToStart {
		return Verdict{}, false
	}
	if c := condition(e.Pod, corev1.PodScheduled); c == nil || c.Status != corev1.ConditionTrue {
		return Verdict{}, false
	}
	for _, w := range e.Warnings {
		return Verdict{w.Reason, fmt.Sprintf("pod %s does not start: %s", e.Pod.Name, oneLine(w.Message))}, true
	}
	return Verdict{"ContainerCreating", fmt.Sprintf("pod %s was given to node %s %s ago and does not start", e.Pod.Name, e.Pod.Spec.NodeName, e.age().Round(time.Second))}, true
}

// pullAnswer is what the registry said. Older kubelets say it in an Event
// only.
func (e Evidence) pullAnswer(message string) string {
	if strings.Contains(message, ": ") {
		return oneLine(message)
	}
	for _, w := range e.Warnings {
		if w.Reason == "Failed" && strings.Contains(w.Message, "pull") {
			return oneLine(w.Message)
		}
	}
	return or(oneLine(message), "the registry gives no reason")
}

// end says how a container ended.
func (e Evidence) end(t *corev1.ContainerStateTerminated) string {
	if t == nil {
		return or(lastLine(e.Log), "it gives no reason")
	}
	how := fmt.Sprintf("exit code %d", t.ExitCode)
	if t.Signal != 0 {
		how = fmt.Sprintf("signal %d", t.Signal)
	}
	if said := or(lastLine(t.Message), lastLine(e.Log)); said != "" {
		return how + ", last words: " + said
	}
	return how + ", without a word"
}

func (e Evidence) image(c corev1.ContainerStatus) string {
	for _, spec := range append(append([]corev1.Container(nil), e.Pod.Spec.InitContainers...), e.Pod.Spec.Containers...) {
		if spec.Name == c.Name {
			return spec.Image
		}
	}
	return c.Image
}

func (e Evidence) age() time.Duration { return e.Now.Sub(e.Pod.CreationTimestamp.Time) }

// crashing returns a container whose last words are not in the pod's status,
// so that they have to be looked for in its log.
func crashing(p *corev1.Pod) (container string, previous, ok bool) {
	for _, c := range append(append([]corev1.ContainerStatus(nil), p.Status.InitContainerStatuses...), p.Status.ContainerStatuses...) {
		if t := c.State.Terminated; t != nil && t.ExitCode != 0 && t.Message == "" {
			return c.Name, false, true
		}
		if t := c.LastTerminationState.Terminated; c.State.Terminated == nil && t != nil && t.ExitCode != 0 && t.Message == "" {
			return c.Name, true, true
		}
	}
	return "", false, false
}

func condition(p *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == kind {
			return &p.Status.Conditions[i]
		}
	}
	return nil
}

// lastLine is the last line that says something, cut to what a person reads.
func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return shorten(strings.TrimSpace(lines[len(lines)-1]))
}

func oneLine(s string) string { return shorten(strings.Join(strings.Fields(s), " ")) }

const longest = 600 // bytes of a message

func shorten(s string) string {
	if len(s) <= longest {
		return strings.ToValidUTF8(s, "")
	}
	return strings.ToValidUTF8(s[:longest], "") + " ..."
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func times(n int32) string {
	switch n {
	case 0, 1:
		return "once"
	default:
		return fmt.Sprintf("%d times", n)
	}
}
