// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pod is a healthy pod, two minutes old, that the case changes.
func pod(now time.Time, change func(p *corev1.Pod, c *corev1.ContainerStatus)) *corev1.Pod {
	ago := metav1.NewTime(now.Add(-2 * time.Minute))
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "shop-1", Namespace: "hydra-acme", CreationTimestamp: ago},
		Spec: corev1.PodSpec{
			NodeName: "node-1", RestartPolicy: corev1.RestartPolicyAlways,
			Containers: []corev1.Container{{Name: "shop", Image: "127.0.0.1:7050/acme/shop@sha256:0a1b", Resources: corev1.ResourceRequirements{
				Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
			}}},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning,
			Conditions: []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: ago},
				{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: ago},
			},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "shop", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: ago}}}},
		},
	}
	change(p, &p.Status.ContainerStatuses[0])
	return p
}

func waitingFor(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func endedWith(code int32, reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: message}}
}

func unready(p *corev1.Pod, since time.Time, message string) {
	p.Status.Conditions[1] = corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(since), Message: message}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	young := func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(now.Add(-2 * time.Second)) }
	for name, test := range map[string]struct {
		change   func(p *corev1.Pod, c *corev1.ContainerStatus)
		warnings []Warning
		log      string
		reason   string // empty: nothing is wrong
		message  string
	}{
		"Healthy": {change: func(*corev1.Pod, *corev1.ContainerStatus) {}},
		"ImageNotThere": {
			change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
				p.Status.Phase = corev1.PodPending
				c.State = waitingFor("ImagePullBackOff", `Back-off pulling image "x": ErrImagePull: 127.0.0.1:7050/acme/shop: not found`)
			},
			reason: "ImagePullBackOff", message: `image 127.0.0.1:7050/acme/shop@sha256:0a1b cannot be pulled: Back-off pulling image "x": ErrImagePull: 127.0.0.1:7050/acme/shop: not found`,
		},
		"ImageAnswerInAnEvent": {
			change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
				p.Status.Phase = corev1.PodPending
				c.State = waitingFor("ImagePullBackOff", "Back-off pulling image")
			},
			warnings: []Warning{{"Failed", "Failed to pull image: 401 Unauthorized"}},
			reason:   "ImagePullBackOff", message: "image 127.0.0.1:7050/acme/shop@sha256:0a1b cannot be pulled: Failed to pull image: 401 Unauthorized",
		},
		"PulledAgainInVain": {
			change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
				p.Status.Phase, c.State = corev1.PodPending, waitingFor("ErrImagePull", "shop: not found")
			},
			reason: "ImagePullBackOff", message: "image 127.0.0.1:7050/acme/shop@sha256:0a1b cannot be pulled: shop: not found",
		},
		"FirstPullErrorIsNotYetAnIncident": {change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
			young(p)
			p.Status.Phase, c.State = corev1.PodPending, waitingFor("ErrImagePull", "x")
		}},
		"CrashWithTerminationMessage": {
			change: func(_ *corev1.Pod, c *corev1.ContainerStatus) {
				c.RestartCount, c.State = 4, waitingFor("CrashLoopBackOff", "back-off 40s")
				c.LastTerminationState = endedWith(3, "Error", "starting\ncannot open /data: no such file\n")
			},
			reason: "CrashLoopBackOff", message: "container shop crashed 4 times: exit code 3, last words: cannot open /data: no such file",
		},
		"CrashWithLog": {
			change: func(_ *corev1.Pod, c *corev1.ContainerStatus) {
				c.RestartCount, c.State = 1, waitingFor("CrashLoopBackOff", "")
				c.LastTerminationState = endedWith(2, "Error", "")
			},
			log:    "hello\npanic: no DATABASE_URL\n",
			reason: "CrashLoopBackOff", message: "container shop crashed once: exit code 2, last words: panic: no DATABASE_URL",
		},
		"CrashWithoutAWord": {
			change: func(_ *corev1.Pod, c *corev1.ContainerStatus) {
				c.RestartCount, c.State = 2, waitingFor("CrashLoopBackOff", "")
				c.LastTerminationState = endedWith(1, "Error", "")
			},
			reason: "CrashLoopBackOff", message: "container shop crashed 2 times: exit code 1, without a word",
		},
		"RunsAgainButCrashedAMomentAgo": {
			change: func(_ *corev1.Pod, c *corev1.ContainerStatus) {
				c.RestartCount = 3
				c.State.Running.StartedAt = metav1.NewTime(now.Add(-5 * time.Second))
				c.LastTerminationState = endedWith(1, "Error", "boom")
			},
			reason: "CrashLoopBackOff", message: "container shop crashed 3 times: exit code 1, last words: boom",
		},
		"CrashedLongAgo": {change: func(_ *corev1.Pod, c *corev1.ContainerStatus) {
			c.RestartCount, c.LastTerminationState = 3, endedWith(1, "Error", "boom")
		}},
		"OutOfMemory": {
			change: func(_ *corev1.Pod, c *corev1.ContainerStatus) {
				c.RestartCount, c.State, c.LastTerminationState = 1, waitingFor("CrashLoopBackOff", ""), endedWith(137, "OOMKilled", "")
			},
			reason: "OOMKilled", message: "container shop used more memory than it may and was killed; its limit is 64Mi",
		},
		"OutOfMemoryWithoutALimit": {
			change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
				p.Spec.Containers[0].Resources.Limits = nil
				c.State = endedWith(137, "OOMKilled", "")
			},
			reason: "OOMKilled", message: "container shop used more memory than it may and was killed; it has no limit of its own: the node ran out of memory",
		},
		"MissingSecret": {
			change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
				p.Status.Phase, c.State = corev1.PodPending, waitingFor("CreateContainerConfigError", `secret "db" not found`)
			},
			reason: "CreateContainerConfigError", message: `container shop cannot be configured: secret "db" not found`,
		},
		"SecretMayCome": {change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
			young(p)
			p.Status.Phase, c.State = corev1.PodPending, waitingFor("CreateContainerConfigError", `secret "db" not found`)
		}},
		"NoSuchProgram": {
			change: func(_ *corev1.Pod, c *corev1.ContainerStatus) {
				c.State = waitingFor("RunContainerError", "exec: \"/shop\": stat /shop: no such file or directory")
			},
			reason: "RunContainerError", message: `container shop cannot be started: exec: "/shop": stat /shop: no such file or directory`,
		},
		"NoSuchProgramThenBackOff": {
			change: func(_ *corev1.Pod, c *corev1.ContainerStatus) {
				c.State = endedWith(128, "StartError", "exec: \"/shop\": no such file")
			},
			reason: "StartError", message: `container shop cannot be started: exit code 128, last words: exec: "/shop": no such file`,
		},
		"Unschedulable": {
			change: func(p *corev1.Pod, _ *corev1.ContainerStatus) {
				p.Status.Phase, p.Status.ContainerStatuses = corev1.PodPending, nil
				p.Status.Conditions = []corev1.PodCondition{{
					Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
					Message: "0/1 nodes are available: 1 Insufficient memory.", LastTransitionTime: metav1.NewTime(now.Add(-15 * time.Second)),
				}}
			},
			reason: "Unschedulable", message: "no node takes pod shop-1: 0/1 nodes are available: 1 Insufficient memory.",
		},
		"MaySoonBeScheduled": {change: func(p *corev1.Pod, _ *corev1.ContainerStatus) {
			p.Status.Phase, p.Status.ContainerStatuses = corev1.PodPending, nil
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, LastTransitionTime: metav1.NewTime(now.Add(-time.Second))}}
		}},
		"ReadinessProbeFails": {
			change: func(p *corev1.Pod, _ *corev1.ContainerStatus) {
				unready(p, now.Add(-time.Minute), "containers with unready status: [shop]")
			},
			warnings: []Warning{{"Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500"}},
			reason:   "Unhealthy", message: "pod shop-1 runs but is not ready: Readiness probe failed: HTTP probe failed with statuscode: 500",
		},
		"ReadinessProbeFailsWithoutItsEvent": {
			change: func(p *corev1.Pod, _ *corev1.ContainerStatus) {
				unready(p, now.Add(-time.Minute), "containers with unready status: [shop]")
			},
			reason: "Unhealthy", message: "pod shop-1 runs but is not ready: containers with unready status: [shop]",
		},
		"MayBecomeReady": {change: func(p *corev1.Pod, _ *corev1.ContainerStatus) { unready(p, now.Add(-5*time.Second), "") }},
		"StartedAgainAMomentAgo": {change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
			unready(p, now.Add(-time.Minute), "")
			c.State.Running.StartedAt = metav1.NewTime(now.Add(-3 * time.Second))
		}},
		"VolumeIsMissing": {
			change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
				p.Status.Phase, c.State = corev1.PodPending, waitingFor("ContainerCreating", "")
			},
			warnings: []Warning{{"FailedMount", `MountVolume.SetUp failed for volume "v": configmap "x" not found`}},
			reason:   "FailedMount", message: `pod shop-1 does not start: MountVolume.SetUp failed for volume "v": configmap "x" not found`,
		},
		"MayBePulling": {change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
			young(p)
			p.Status.Phase, c.State = corev1.PodPending, waitingFor("ContainerCreating", "")
		}},
		"Evicted": {
			change: func(p *corev1.Pod, _ *corev1.ContainerStatus) {
				p.Status.Phase, p.Status.Reason, p.Status.Message, p.Status.ContainerStatuses = corev1.PodFailed, "Evicted", "The node was low on resource: memory.", nil
			},
			reason: "Evicted", message: "pod shop-1 failed: The node was low on resource: memory.",
		},
		"TaskFailed": {
			change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
				p.Spec.RestartPolicy, p.Status.Phase, c.State = corev1.RestartPolicyNever, corev1.PodFailed, endedWith(1, "Error", "no rows")
			},
			reason: "Error", message: "container shop crashed once: exit code 1, last words: no rows",
		},
		"TaskDone": {change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
			p.Status.Phase, c.State = corev1.PodSucceeded, endedWith(0, "Completed", "")
		}},
		"Ending": {change: func(p *corev1.Pod, c *corev1.ContainerStatus) {
			p.DeletionTimestamp = &metav1.Time{Time: now}
			c.State = endedWith(137, "Error", "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, bad := Judge(Evidence{Pod: pod(now, test.change), Warnings: test.warnings, Log: test.log, Now: now})
			require.Equal(t, test.reason != "", bad, "%+v", v)
			require.Equal(t, Verdict{test.reason, test.message}, v)
		})
	}
}

// FuzzMessages checks that whatever a program says becomes one bounded line of
// valid text.
func FuzzMessages(f *testing.F) {
	f.Add("starting\ncannot open\n")
	f.Add("\xff\xfe\n\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, said string) {
		for _, s := range []string{lastLine(said), oneLine(said)} {
			require.NotContains(t, s, "\n")
			require.LessOrEqual(t, len(s), longest+4)
			require.True(t, len(s) == 0 || []rune(s)[0] != '\uFFFD' || len(said) > 0)
		}
	})
}
