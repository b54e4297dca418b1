// SPDX-License-Identifier: Apache-2.0

package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// finalRestarts is the number of restarts from which on a container that
// crashes again is not waited for.
const finalRestarts = 3

// pod says what keeps a pod from being ready, or nil.
func pod(p corev1.Pod, events []corev1.Event) *Trouble {
	if p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodSucceeded || ready(p) {
		return nil
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return &Trouble{Reason: cmp.Or(c.Reason, "Unschedulable"), Message: fmt.Sprintf("pod %s has no node: %s", p.Name, c.Message), Pod: p.Name, Patience: Forever}
		}
	}
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if t := container(c); t != nil {
			t.Pod = p.Name
			return t
		}
	}
	if p.Status.Phase == corev1.PodFailed {
		return &Trouble{Reason: cmp.Or(p.Status.Reason, "PodFailed"), Message: fmt.Sprintf("pod %s: %s", p.Name, cmp.Or(p.Status.Message, "failed")), Pod: p.Name, Patience: Forever}
	}
	// It runs, or is about to, and is not ready: only events say why.
	if e := newest(p, events); e != nil {
		reason := e.Reason
		if reason == "Unhealthy" {
			reason = "ProbeFailed"
		}
		return &Trouble{Reason: reason, Message: fmt.Sprintf("pod %s: %s", p.Name, oneLine(e.Message)), Pod: p.Name, Patience: Forever}
	}
	if started(p) {
		return &Trouble{Reason: "NotReady", Message: fmt.Sprintf("pod %s runs but is not ready", p.Name), Pod: p.Name, Patience: Forever}
	}
	return nil
}

func container(c corev1.ContainerStatus) *Trouble {
	if w := c.State.Waiting; w != nil {
		switch w.Reason {
		case "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable", "ImageInspectError", "SignatureValidationFailed":
			return image(c, w)
		case "CrashLoopBackOff":
			return crash(c)
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			return &Trouble{Reason: w.Reason, Message: fmt.Sprintf("container %s cannot be started: %s", c.Name, oneLine(w.Message)), Patience: 15 * time.Second}
		}
	}
	if t := c.State.Terminated; t != nil && (t.ExitCode != 0 || t.Signal != 0) {
		return crash(c)
	}
	if c.RestartCount >= finalRestarts && !c.Ready && c.LastTerminationState.Terminated != nil {
		return crash(c) // between two crashes
	}
	return nil
}

// image tells an image that is not there from a registry that does not answer.
func image(c corev1.ContainerStatus, w *corev1.ContainerStateWaiting) *Trouble {
	t := &Trouble{Reason: w.Reason, Message: fmt.Sprintf("image %s cannot be pulled: %s", c.Image, oneLine(w.Message)), Patience: 30 * time.Second}
	switch w.Reason {
	case "ErrImageNeverPull", "InvalidImageName":
		t.Patience = 0
		return t
	case "ErrImagePull":
		t.Reason = "ImagePullBackOff" // the same thing a moment earlier
	}
	message := strings.ToLower(w.Message)
	for _, final := range []string{"not found", "manifest unknown", "unauthorized", "denied", "forbidden", "no match for platform", "does not exist"} {
		if strings.Contains(message, final) {
			t.Patience = 0
		}
	}
	return t
}

// crash describes a container that ended when it should run.
func crash(c corev1.ContainerStatus) *Trouble {
	t := &Trouble{Reason: "CrashLoopBackOff", Crashed: c.Name, Patience: Forever}
	if c.RestartCount >= finalRestarts {
		t.Patience = 0
	}
	last := c.LastTerminationState.Terminated
	if c.State.Terminated != nil {
		last = c.State.Terminated
	}
	if last == nil {
		t.Message = fmt.Sprintf("container %s ended again and again", c.Name)
		return t
	}
	times := "once"
	if c.RestartCount > 0 {
		times = fmt.Sprintf("%d times", c.RestartCount+1)
	}
	t.Message = fmt.Sprintf("container %s ended %s, last with exit code %d", c.Name, times, last.ExitCode)
	switch last.Reason {
	case "OOMKilled":
		t.Reason = "OOMKilled"
		t.Message = fmt.Sprintf("container %s was killed %s because it used more memory than its limit", c.Name, times)
	case "StartError", "ContainerCannotRun":
		t.Reason, t.Crashed = last.Reason, ""
		t.Message = fmt.Sprintf("container %s cannot be started: %s", c.Name, oneLine(last.Message))
		t.Patience = 15 * time.Second
		if c.RestartCount >= finalRestarts {
			t.Patience = 0
		}
	}
	if last.Reason != "StartError" && last.Message != "" && t.Reason != last.Reason {
		t.Message += ": " + oneLine(last.Message)
	}
	return t
}

// newest is the newest warning about the pod.
func newest(p corev1.Pod, events []corev1.Event) *corev1.Event {
	var found *corev1.Event
	for i := range events {
		e := &events[i]
		// Back-offs repeat what the container's own state says better.
		if e.InvolvedObject.UID != p.UID || e.Type != corev1.EventTypeWarning || e.Reason == "BackOff" || e.Reason == "FailedScheduling" {
			continue
		}
		if found == nil || at(e).After(at(found)) {
			found = e
		}
	}
	return found
}

func at(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}

func ready(p corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func started(p corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.State.Running != nil })
}

// oneLine fits a message of the cluster into a line of a log and a field of an
// event.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 600 {
		s = strings.ToValidUTF8(s[:600], "") + "…"
	}
	return s
}
