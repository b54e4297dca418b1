// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/kube"
	"github.com/hydra-platform/hydra/services/deployer/health"
)

// Read reads the given workloads, the pods that they made in one revision, and
// the warnings about those.
func (c *Cluster) Read(ctx context.Context, owner Owner, revision int, workloads []record.Workload) (health.State, error) {
	var s health.State
	client, err := c.client()
	if err != nil {
		return s, err
	}
	for _, w := range workloads {
		err := readWorkload(ctx, client, w, &s)
		if apierrors.IsNotFound(err) {
			s.Missing = append(s.Missing, w.Kind+" "+w.Name)
			continue
		}
		if err != nil {
			return s, classify(fmt.Errorf("read %s %s: %w", w.Kind, w.Name, err))
		}
	}
	space := record.Namespace(owner.Project)
	pods, err := client.Typed.CoreV1().Pods(space).List(ctx, metav1.ListOptions{
		LabelSelector: owner.selector() + "," + kube.LabelRevision + "=" + strconv.Itoa(revision),
	})
	if err != nil {
		return s, classify(fmt.Errorf("list pods of %s: %w", owner.App, err))
	}
	s.Pods = pods.Items
	if len(s.Pods) == 0 || health.Judge(s).Healthy {
		return s, nil
	}
	warnings, err := client.Typed.CoreV1().Events(space).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.kind=Pod,type=Warning"})
	if err != nil {
		return s, classify(fmt.Errorf("list events of %s: %w", owner.App, err))
	}
	s.Events = warnings.Items
	return s, nil
}

func readWorkload(ctx context.Context, client *kube.Client, w record.Workload, s *health.State) error {
	get := metav1.GetOptions{}
	switch w.Kind {
	case "Deployment":
		d, err := client.Typed.AppsV1().Deployments(w.Namespace).Get(ctx, w.Name, get)
		if err != nil {
			return err
		}
		s.Deployments = append(s.Deployments, *d)
	case "StatefulSet":
		d, err := client.Typed.AppsV1().StatefulSets(w.Namespace).Get(ctx, w.Name, get)
		if err != nil {
			return err
		}
		s.StatefulSets = append(s.StatefulSets, *d)
	case "DaemonSet":
		d, err := client.Typed.AppsV1().DaemonSets(w.Namespace).Get(ctx, w.Name, get)
		if err != nil {
			return err
		}
		s.DaemonSets = append(s.DaemonSets, *d)
	case "Job":
		j, err := client.Typed.BatchV1().Jobs(w.Namespace).Get(ctx, w.Name, get)
		if err != nil {
			return err
		}
		s.Jobs = append(s.Jobs, *j)
	}
	return nil
}

// Tail returns the last lines of a container that crashed, or nothing: they
// help and are not worth failing for.
func (c *Cluster) Tail(ctx context.Context, owner Owner, pod, container string, lines int64) []string {
	client, err := c.client()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	most := int64(16 << 10)
	for _, previous := range []bool{true, false} {
		opts := &corev1.PodLogOptions{Container: container, Previous: previous, TailLines: &lines, LimitBytes: &most}
		text, err := client.Typed.CoreV1().Pods(record.Namespace(owner.Project)).GetLogs(pod, opts).DoRaw(ctx)
		if out := strings.TrimSpace(strings.ToValidUTF8(string(text), "")); err == nil && out != "" {
			return strings.Split(out, "\n")
		}
	}
	return nil
}

// Watch sends whenever a Deployment, a Job or a pod of the owner changed,
// until ctx ends. What changed has to be read: a watch that broke begins anew
// and may have missed something, which is why it sends then, too.
func (c *Cluster) Watch(ctx context.Context, owner Owner) <-chan struct{} {
	changed := make(chan struct{}, 1)
	client, err := c.client()
	if err != nil {
		return changed
	}
	space, opts := record.Namespace(owner.Project), metav1.ListOptions{LabelSelector: owner.selector()}
	for _, open := range []func() (watch.Interface, error){
		func() (watch.Interface, error) { return client.Typed.AppsV1().Deployments(space).Watch(ctx, opts) },
		func() (watch.Interface, error) { return client.Typed.BatchV1().Jobs(space).Watch(ctx, opts) },
		func() (watch.Interface, error) { return client.Typed.CoreV1().Pods(space).Watch(ctx, opts) },
	} {
		go follow(ctx, open, changed)
	}
	return changed
}

func follow(ctx context.Context, open func() (watch.Interface, error), changed chan<- struct{}) {
	for ctx.Err() == nil {
		w, err := open()
		if err == nil {
			for range w.ResultChan() {
				select {
				case changed <- struct{}{}:
				default: // one is enough
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// Ready counts the ready replicas of the owner's Deployments, StatefulSets and
// DaemonSets.
func (c *Cluster) Ready(ctx context.Context, owner Owner) (int, error) {
	client, err := c.client()
	if err != nil {
		return 0, err
	}
	space, opts := record.Namespace(owner.Project), metav1.ListOptions{LabelSelector: owner.selector()}
	deployments, err := client.Typed.AppsV1().Deployments(space).List(ctx, opts)
	if err != nil {
		return 0, classify(fmt.Errorf("list Deployments of %s: %w", owner.App, err))
	}
	sets, err := client.Typed.AppsV1().StatefulSets(space).List(ctx, opts)
	if err != nil {
		return 0, classify(fmt.Errorf("list StatefulSets of %s: %w", owner.App, err))
	}
	daemons, err := client.Typed.AppsV1().DaemonSets(space).List(ctx, opts)
	if err != nil {
		return 0, classify(fmt.Errorf("list DaemonSets of %s: %w", owner.App, err))
	}
	n := 0
	for _, d := range deployments.Items {
		n += int(d.Status.ReadyReplicas)
	}
	for _, d := range sets.Items {
		n += int(d.Status.ReadyReplicas)
	}
	for _, d := range daemons.Items {
		n += int(d.Status.NumberReady)
	}
	return n, nil
}
