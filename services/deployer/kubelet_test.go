// SPDX-License-Identifier: Apache-2.0

package deployer_test

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hydra-platform/hydra/libs/kube"
)

// playKubelet gives pods the status that a kubelet would, by the tag of their
// image: ok, missing, crash, oom, unready, done.
func playKubelet(t *testing.T, client *kube.Client) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			pods, err := client.Typed.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
			if err != nil {
				continue // the server is away
			}
			for _, p := range pods.Items {
				if len(p.Status.ContainerStatuses) == 0 && p.DeletionTimestamp == nil {
					report(ctx, client, p)
				}
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func report(ctx context.Context, client *kube.Client, p corev1.Pod) {
	c := p.Spec.Containers[0]
	_, tag, _ := strings.Cut(c.Image[strings.LastIndex(c.Image, "/")+1:], ":")
	status := corev1.ContainerStatus{Name: c.Name, Image: c.Image, ImageID: "sha256:0"}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}
	p.Status.Phase = corev1.PodRunning
	conditions := func(ready corev1.ConditionStatus) []corev1.PodCondition {
		return []corev1.PodCondition{{Type: corev1.PodReady, Status: ready, LastTransitionTime: metav1.Now()}}
	}
	p.Status.Conditions = conditions(corev1.ConditionFalse)
	ended := func(code int32, reason string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}}
	}
	switch tag {
	case "missing":
		p.Status.Phase = corev1.PodPending
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: c.Image + ": not found"}
	case "crash":
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
		status.LastTerminationState, status.RestartCount = ended(3, "Error"), 3
	case "oom":
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
		status.LastTerminationState, status.RestartCount = ended(137, "OOMKilled"), 3
	case "unready":
		status.State = running
		_, _ = client.Typed.CoreV1().Events(p.Namespace).Create(ctx, &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{GenerateName: p.Name, Namespace: p.Namespace},
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: p.Name, Namespace: p.Namespace, UID: p.UID},
			Type:           corev1.EventTypeWarning, Reason: "Unhealthy", Message: "Readiness probe failed: HTTP probe failed with statuscode: 503",
			LastTimestamp: metav1.Now(),
		}, metav1.CreateOptions{})
	case "done":
		p.Status.Phase = corev1.PodSucceeded
		status.State = ended(0, "Completed")
	default:
		status.State, status.Ready = running, true
		p.Status.Conditions = conditions(corev1.ConditionTrue)
	}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{status}
	_, _ = client.Typed.CoreV1().Pods(p.Namespace).UpdateStatus(ctx, &p, metav1.UpdateOptions{})
}
