// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/kube"
)

// again is after how long an app that is not well is looked at anew: most
// patience ends without anything changing in the cluster.
const again = 2 * time.Second

// appKey names an app.
type appKey struct{ project, app string }

// watch follows the pods and Deployments of all apps.
type watch struct {
	client      kubernetes.Interface
	pods        corelisters.PodLister
	deployments appslisters.DeploymentLister
	queue       workqueue.TypedRateLimitingInterface[appKey]
}

// newWatch starts following and returns when everything that is there is
// known. It ends with ctx.
func newWatch(ctx context.Context, client kubernetes.Interface) (*watch, error) {
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = kube.LabelApp }),
		informers.WithTransform(slim))
	w := &watch{
		client: client,
		pods:   factory.Core().V1().Pods().Lister(), deployments: factory.Apps().V1().Deployments().Lister(),
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[appKey]()),
	}
	enqueue := func(obj any) {
		if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = gone.Obj
		}
		if object, ok := obj.(metav1.Object); ok {
			if key, ok := keyOf(object); ok {
				w.queue.Add(key)
			}
		}
	}
	handler := cache.ResourceEventHandlerFuncs{AddFunc: enqueue, UpdateFunc: func(_, now any) { enqueue(now) }, DeleteFunc: enqueue}
	for _, informer := range []cache.SharedIndexInformer{factory.Core().V1().Pods().Informer(), factory.Apps().V1().Deployments().Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, fmt.Errorf("watch the cluster: %w", err)
		}
	}
	factory.Start(ctx.Done())
	for kind, ok := range factory.WaitForCacheSync(ctx.Done()) {
		if !ok {
			return nil, fmt.Errorf("watch %s: %w", kind, ctx.Err())
		}
	}
	return w, nil
}

// keyOf says whose an object is. The namespace decides on the project: labels
// are the tenant's to write.
func keyOf(o metav1.Object) (appKey, bool) {
	project, ok := strings.CutPrefix(o.GetNamespace(), record.Namespace(""))
	app := o.GetLabels()[kube.LabelApp]
	if !ok || app == "" || project == "system" {
		return appKey{}, false
	}
	return appKey{project, app}, true
}

// slim drops what nobody here reads before it is cached.
func slim(obj any) (any, error) {
	switch o := obj.(type) {
	case *corev1.Pod:
		o.ManagedFields, o.Annotations = nil, nil
		o.Spec = corev1.PodSpec{
			Containers: slimContainers(o.Spec.Containers), InitContainers: slimContainers(o.Spec.InitContainers),
			NodeName: o.Spec.NodeName, RestartPolicy: o.Spec.RestartPolicy,
		}
	case *appsv1.Deployment:
		o.ManagedFields, o.Annotations = nil, nil
		o.Spec = appsv1.DeploymentSpec{Replicas: o.Spec.Replicas}
	}
	return obj, nil
}

func slimContainers(in []corev1.Container) []corev1.Container {
	out := make([]corev1.Container, len(in))
	for i, c := range in {
		out[i] = corev1.Container{Name: c.Name, Image: c.Image, Resources: corev1.ResourceRequirements{Limits: c.Resources.Limits}}
	}
	return out
}

// podsOf are the pods of an app, oldest first.
func (w *watch) podsOf(key appKey) []*corev1.Pod {
	pods, err := w.pods.Pods(record.Namespace(key.project)).List(labels.Set{kube.LabelApp: key.app}.AsSelector())
	if err != nil {
		return nil // a lister over a cache does not fail
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int {
		if d := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return pods
}

// ready counts the pods of an app that take requests.
func (w *watch) ready(key appKey) int {
	n := 0
	for _, p := range w.podsOf(key) {
		if c := condition(p, corev1.PodReady); c != nil && c.Status == corev1.ConditionTrue && p.DeletionTimestamp == nil {
			n++
		}
	}
	return n
}

// finding is something wrong with an app now.
type finding struct {
	Verdict
	object   string // Pod/shop-7d9f
	owner    string // what gave rise to the object; an incident ends with it
	revision string
}

// findings judges everything of an app. restless says that it has to be
// judged again although nothing may change.
func (w *watch) findings(ctx context.Context, key appKey, now time.Time) (found []finding, owners map[string]bool, restless bool) {
	owners = map[string]bool{}
	for _, p := range w.podsOf(key) {
		owner := ownerOf(p)
		owners[owner] = true
		if c := condition(p, corev1.PodReady); p.Status.Phase != corev1.PodSucceeded && (c == nil || c.Status != corev1.ConditionTrue) {
			restless = true
		}
		e := Evidence{Pod: p, Now: now}
		if _, bad := Judge(e); !bad {
			continue
		}
		restless = true
		e.Warnings, e.Log = w.warnings(ctx, p), w.lastWords(ctx, p)
		v, _ := Judge(e)
		found = append(found, finding{v, "Pod/" + p.Name, owner, p.Labels[kube.LabelRevision]})
	}
	deployments, _ := w.deployments.Deployments(record.Namespace(key.project)).List(labels.Set{kube.LabelApp: key.app}.AsSelector())
	for _, d := range deployments {
		owner := "Deployment/" + d.Name
		owners[owner] = true
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
				v := Verdict{or(c.Reason, "FailedCreate"), fmt.Sprintf("deployment %s cannot make its pods: %s", d.Name, oneLine(c.Message))}
				found = append(found, finding{v, owner, owner, d.Labels[kube.LabelRevision]})
				restless = true
			}
		}
	}
	return found, owners, restless
}

// ownerOf is the generation that a pod belongs to: the ReplicaSet, not the
// pod, so that replicas with one fault are one incident.
func ownerOf(p *corev1.Pod) string {
	for _, o := range p.OwnerReferences {
		if o.Controller != nil && *o.Controller {
			return o.Kind + "/" + string(o.UID)
		}
	}
	return "Pod/" + string(p.UID)
}

// warnings asks for the pod's warnings when they are needed, instead of
// keeping every Event of the cluster in memory.
func (w *watch) warnings(ctx context.Context, p *corev1.Pod) []Warning {
	list, err := w.client.CoreV1().Events(p.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "type=Warning,involvedObject.uid=" + string(p.UID), Limit: 100,
	})
	if err != nil {
		zerolog.Ctx(ctx).Debug().Err(err).Str("pod", p.Name).Msg("no warnings of the pod")
		return nil
	}
	slices.SortFunc(list.Items, func(a, b corev1.Event) int { return seen(b).Compare(seen(a)) })
	out := make([]Warning, 0, len(list.Items))
	for _, e := range list.Items {
		out = append(out, Warning{Reason: e.Reason, Message: e.Message})
	}
	return out
}

func seen(e corev1.Event) time.Time {
	if !e.LastTimestamp.IsZero() {
		return e.LastTimestamp.Time
	}
	return e.EventTime.Time
}

// lastWords reads the end of a crashed container's log.
func (w *watch) lastWords(ctx context.Context, p *corev1.Pod) string {
	container, previous, ok := crashing(p)
	if !ok {
		return ""
	}
	lines, bytes := int64(20), int64(8<<10)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	stream, err := w.client.CoreV1().Pods(p.Namespace).GetLogs(p.Name, &corev1.PodLogOptions{
		Container: container, Previous: previous, TailLines: &lines, LimitBytes: &bytes,
	}).Stream(ctx)
	if err != nil {
		zerolog.Ctx(ctx).Debug().Err(err).Str("pod", p.Name).Msg("no log of the crashed container")
		return ""
	}
	defer func() { _ = stream.Close() }()
	text, _ := io.ReadAll(io.LimitReader(stream, bytes)) // what came before an error counts
	return string(text)
}

// names are the pods of an app as namespace/pod.
func (w *watch) names(key appKey) []string {
	var out []string
	for _, p := range w.podsOf(key) {
		out = append(out, p.Namespace+"/"+p.Name)
	}
	return out
}
