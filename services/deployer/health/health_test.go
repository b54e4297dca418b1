// SPDX-License-Identifier: Apache-2.0

package health_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hydra-platform/hydra/services/deployer/health"
)

func deployment(wanted, replicas, updated, available int32) appsv1.Deployment {
	return appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Generation: 2},
		Spec:       appsv1.DeploymentSpec{Replicas: &wanted},
		Status:     appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: replicas, UpdatedReplicas: updated, AvailableReplicas: available},
	}
}

func podWith(state corev1.ContainerState, last corev1.ContainerState, restarts int32) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web-1", UID: "u1"},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "web", Image: "example.test/web:1", State: state, LastTerminationState: last, RestartCount: restarts,
		}}},
	}
}

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func terminated(code int32, reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: message}}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	old := deployment(2, 2, 2, 2)
	old.Status.ObservedGeneration = 1
	complete := batchv1.Job{Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}}}
	for name, c := range map[string]struct {
		state health.State
		want  bool
	}{
		"Nothing":       {health.State{}, true},
		"All":           {health.State{Deployments: []appsv1.Deployment{deployment(2, 2, 2, 2)}}, true},
		"ScaledToZero":  {health.State{Deployments: []appsv1.Deployment{deployment(0, 0, 0, 0)}}, true},
		"NotObserved":   {health.State{Deployments: []appsv1.Deployment{old}}, false},
		"OldOnesLeft":   {health.State{Deployments: []appsv1.Deployment{deployment(2, 3, 2, 3)}}, false},
		"NotUpdated":    {health.State{Deployments: []appsv1.Deployment{deployment(2, 2, 1, 2)}}, false},
		"NotAvailable":  {health.State{Deployments: []appsv1.Deployment{deployment(2, 2, 2, 1)}}, false},
		"Missing":       {health.State{Missing: []string{"Deployment/web"}}, false},
		"JobRuns":       {health.State{Jobs: []batchv1.Job{{}}}, false},
		"JobIsComplete": {health.State{Jobs: []batchv1.Job{complete}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := health.Judge(c.state)
			require.Equal(t, c.want, v.Healthy)
			require.NotEmpty(t, v.Progress)
		})
	}
}

func TestTrouble(t *testing.T) {
	t.Parallel()
	none := corev1.ContainerState{}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	unschedulable := podWith(none, none, 0)
	unschedulable.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available: 1 Insufficient cpu."}}
	unhealthy := corev1.Event{InvolvedObject: corev1.ObjectReference{UID: "u1"}, Type: "Warning", Reason: "Unhealthy", Message: "Readiness probe failed: HTTP probe failed\nwith statuscode: 500"}
	foreign := corev1.Event{InvolvedObject: corev1.ObjectReference{UID: "u2"}, Type: "Warning", Reason: "Failed", Message: "other"}
	for name, c := range map[string]struct {
		pod      corev1.Pod
		events   []corev1.Event
		reason   string
		message  string
		patience time.Duration
	}{
		"ImageNotThere":       {podWith(waiting("ImagePullBackOff", "Back-off: manifest unknown: not found"), none, 0), nil, "ImagePullBackOff", "image example.test/web:1 cannot be pulled: Back-off: manifest unknown: not found", 0},
		"ImageFirstTry":       {podWith(waiting("ErrImagePull", "401 Unauthorized"), none, 0), nil, "ImagePullBackOff", "cannot be pulled: 401 Unauthorized", 0},
		"RegistryDown":        {podWith(waiting("ImagePullBackOff", "dial tcp 127.0.0.1:7050: connection refused"), none, 0), nil, "ImagePullBackOff", "connection refused", 30 * time.Second},
		"InvalidImage":        {podWith(waiting("InvalidImageName", "bad"), none, 0), nil, "InvalidImageName", "bad", 0},
		"FirstCrash":          {podWith(waiting("CrashLoopBackOff", ""), terminated(3, "Error", ""), 1), nil, "CrashLoopBackOff", "container web ended 2 times, last with exit code 3", health.Forever},
		"ThirdCrash":          {podWith(waiting("CrashLoopBackOff", ""), terminated(1, "Error", ""), 3), nil, "CrashLoopBackOff", "ended 4 times", 0},
		"RunsBetweenCrashes":  {podWith(running, terminated(1, "Error", ""), 4), nil, "CrashLoopBackOff", "exit code 1", 0},
		"OutOfMemory":         {podWith(waiting("CrashLoopBackOff", ""), terminated(137, "OOMKilled", ""), 3), nil, "OOMKilled", "used more memory than its limit", 0},
		"NoSuchCommand":       {podWith(waiting("CrashLoopBackOff", ""), terminated(128, "StartError", "exec: \"/app\": not found"), 1), nil, "StartError", "container web cannot be started: exec: \"/app\": not found", 15 * time.Second},
		"MissingSecret":       {podWith(waiting("CreateContainerConfigError", "secret \"db\" not found"), none, 0), nil, "CreateContainerConfigError", "secret \"db\" not found", 15 * time.Second},
		"Unschedulable":       {unschedulable, nil, "Unschedulable", "pod web-1 has no node: 0/1 nodes are available", health.Forever},
		"ReadinessProbe":      {podWith(running, none, 0), []corev1.Event{foreign, unhealthy}, "ProbeFailed", "pod web-1: Readiness probe failed: HTTP probe failed with statuscode: 500", health.Forever},
		"NotReadyWithoutWord": {podWith(running, none, 0), []corev1.Event{foreign}, "NotReady", "runs but is not ready", health.Forever},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := health.Judge(health.State{Deployments: []appsv1.Deployment{deployment(1, 1, 1, 0)}, Pods: []corev1.Pod{c.pod}, Events: c.events})
			require.False(t, v.Healthy)
			require.NotNil(t, v.Trouble)
			require.Equal(t, c.reason, v.Trouble.Reason)
			require.Contains(t, v.Trouble.Message, c.message)
			require.Equal(t, c.patience, v.Trouble.Patience)
		})
	}
}

func TestTroubleOfTheWorkloadItself(t *testing.T) {
	t.Parallel()
	d := deployment(1, 0, 0, 0)
	d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: `pods "web-1" is forbidden: exceeded quota: small`}}
	v := health.Judge(health.State{Deployments: []appsv1.Deployment{d}})
	require.Equal(t, "QuotaExceeded", v.Trouble.Reason)

	failed := batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "migrate-v2"}, Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{
		{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "BackoffLimitExceeded", Message: "Job has reached the specified backoff limit"},
	}}}
	v = health.Judge(health.State{Jobs: []batchv1.Job{failed}})
	require.Equal(t, &health.Trouble{Reason: "BackoffLimitExceeded", Message: "task migrate-v2 failed: Job has reached the specified backoff limit"}, v.Trouble)
}
