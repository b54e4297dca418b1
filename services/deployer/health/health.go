// SPDX-License-Identifier: Apache-2.0

package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// State is what was read of the workloads of one revision.
type State struct {
	Deployments  []appsv1.Deployment
	StatefulSets []appsv1.StatefulSet
	DaemonSets   []appsv1.DaemonSet
	Jobs         []batchv1.Job
	Pods         []corev1.Pod   // of this revision only
	Events       []corev1.Event // warnings about those pods
	Missing      []string       // workloads that are not there (yet), such as Deployment/web
}

// Forever is the patience with what only the deadline ends.
const Forever = time.Duration(-1)

// Trouble is why a revision is not healthy.
type Trouble struct {
	Reason   string        // one word, such as CrashLoopBackOff
	Message  string        // what a person needs to know
	Pod      string        // empty: none in particular
	Crashed  string        // container whose last log lines say more; empty: none
	Patience time.Duration // it may last this long; 0: it is final
}

// Verdict is the judgement of a state.
type Verdict struct {
	Healthy  bool
	Ready    int // replicas
	Wanted   int
	Progress string   // one line for people
	Trouble  *Trouble // the worst that was found; nil: none
}

// Judge judges a state.
func Judge(s State) Verdict {
	v := Verdict{Healthy: true}
	var progress []string
	var troubles []Trouble
	add := func(kind, name string, ready, wanted int, healthy bool) {
		v.Ready, v.Wanted = v.Ready+ready, v.Wanted+wanted
		v.Healthy = v.Healthy && healthy
		if !healthy {
			progress = append(progress, fmt.Sprintf("%s %s: %d of %d ready", kind, name, ready, wanted))
		}
	}
	for _, name := range s.Missing {
		v.Healthy = false
		progress = append(progress, name+": not there yet")
	}
	for _, d := range s.Deployments {
		wanted := int(deref(d.Spec.Replicas, 1))
		st := d.Status
		healthy := st.ObservedGeneration >= d.Generation && int(st.UpdatedReplicas) == wanted &&
			int(st.Replicas) == wanted && int(st.AvailableReplicas) >= wanted
		add("Deployment", d.Name, min(int(st.AvailableReplicas), int(st.UpdatedReplicas)), wanted, healthy)
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
				troubles = append(troubles, refused(c.Message))
			}
		}
	}
	for _, d := range s.StatefulSets {
		wanted := int(deref(d.Spec.Replicas, 1))
		st := d.Status
		healthy := st.ObservedGeneration >= d.Generation && int(st.ReadyReplicas) >= wanted &&
			(int(st.UpdatedReplicas) >= wanted || d.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType)
		add("StatefulSet", d.Name, int(st.ReadyReplicas), wanted, healthy)
	}
	for _, d := range s.DaemonSets {
		wanted := int(d.Status.DesiredNumberScheduled)
		st := d.Status
		healthy := st.ObservedGeneration >= d.Generation && int(st.NumberAvailable) >= wanted &&
			(int(st.UpdatedNumberScheduled) >= wanted || d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType)
		add("DaemonSet", d.Name, int(st.NumberAvailable), wanted, healthy)
	}
	for _, j := range s.Jobs {
		done, trouble := job(j)
		if !done {
			v.Healthy = false
			progress = append(progress, fmt.Sprintf("Job %s: %d of %d complete", j.Name, j.Status.Succeeded, deref(j.Spec.Completions, 1)))
		}
		if trouble != nil {
			troubles = append(troubles, *trouble)
		}
	}
	if v.Healthy {
		v.Progress = fmt.Sprintf("healthy, %d of %d ready", v.Ready, v.Wanted)
		return v
	}
	for _, p := range s.Pods {
		if t := pod(p, s.Events); t != nil {
			troubles = append(troubles, *t)
		}
	}
	if len(troubles) > 0 {
		v.Trouble = worst(troubles)
		progress = append(progress, v.Trouble.Reason+": "+v.Trouble.Message)
	}
	v.Progress = strings.Join(progress, "; ")
	return v
}

// worst is the trouble that ends first; among equals the one that says most.
func worst(troubles []Trouble) *Trouble {
	end := func(t Trouble) time.Duration {
		if t.Patience == Forever {
			return 1 << 62
		}
		return t.Patience
	}
	w := slices.MinFunc(troubles, func(a, b Trouble) int {
		return cmp.Or(
			cmp.Compare(end(a), end(b)),
			cmp.Compare(len(b.Crashed), len(a.Crashed)),
			cmp.Compare(len(b.Message), len(a.Message)),
			cmp.Compare(a.Pod, b.Pod),
		)
	})
	return &w
}

func job(j batchv1.Job) (done bool, trouble *Trouble) {
	for _, c := range j.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete:
			return true, nil
		case batchv1.JobFailed:
			return false, &Trouble{Reason: cmp.Or(c.Reason, "JobFailed"), Message: fmt.Sprintf("task %s failed: %s", j.Name, c.Message)}
		}
	}
	return false, nil
}

// refused says why the cluster makes no pods.
func refused(message string) Trouble {
	t := Trouble{Reason: "FailedCreate", Message: message, Patience: 15 * time.Second}
	switch {
	case strings.Contains(message, "exceeded quota"):
		t.Reason = "QuotaExceeded"
	case strings.Contains(message, "violates PodSecurity"):
		t.Reason = "PodSecurity"
	}
	return t
}

func deref(p *int32, otherwise int32) int32 {
	if p == nil {
		return otherwise
	}
	return *p
}
