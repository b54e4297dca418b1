// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/dynamic"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/kube"
	"github.com/hydra-platform/hydra/services/deployer/render"
)

// Cluster works on one cluster. It is safe for concurrent use.
type Cluster struct{ access *kube.Lazy }

// New returns a Cluster over access that need not work yet.
func New(access *kube.Lazy) *Cluster { return &Cluster{access} }

func (c *Cluster) client() (*kube.Client, error) {
	client, err := c.access.Get()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return client, nil
}

// Owner is whose objects are meant.
type Owner struct{ Project, App string }

func (o Owner) selector() string {
	return labels.SelectorFromSet(labels.Set{kube.LabelManagedBy: "hydra", kube.LabelProject: o.Project, kube.LabelApp: o.App}).String()
}

func (o Owner) owns(object metav1.Object) bool {
	have := object.GetLabels()
	return have[kube.LabelManagedBy] == "hydra" && have[kube.LabelProject] == o.Project && have[kube.LabelApp] == o.App
}

// EnsureNamespace makes sure that a project's namespace exists, with the
// baseline of Pod Security enforced.
func (c *Cluster) EnsureNamespace(ctx context.Context, project string) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	name := record.Namespace(project)
	live, err := client.Typed.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return classify(fmt.Errorf("read namespace %s: %w", name, err))
	}
	if err == nil {
		if live.Labels[kube.LabelProject] != project {
			return &Refused{"NameConflict", fmt.Sprintf("namespace %s exists and is not Hydra's; label it %s=%s to hand it over, or choose another name for the project", name, kube.LabelProject, project)}
		}
		if live.DeletionTimestamp != nil {
			return fmt.Errorf("%w: namespace %s is still being removed", ErrNotYet, name)
		}
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": name, "labels": map[string]any{
			kube.LabelManagedBy:                          "hydra",
			kube.LabelProject:                            project,
			"pod-security.kubernetes.io/enforce":         "baseline",
			"pod-security.kubernetes.io/enforce-version": "latest",
		}},
	}}
	_, err = client.Apply(ctx, namespace)
	return classify(err)
}

// DeleteNamespace removes a project's namespace and reports whether it is
// gone. A namespace that is not the project's is left alone.
func (c *Cluster) DeleteNamespace(ctx context.Context, project string) (gone bool, err error) {
	client, err := c.client()
	if err != nil {
		return false, err
	}
	name := record.Namespace(project)
	live, err := client.Typed.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return true, nil
	case err != nil:
		return false, classify(fmt.Errorf("read namespace %s: %w", name, err))
	case live.Labels[kube.LabelManagedBy] != "hydra" || live.Labels[kube.LabelProject] != project:
		return true, nil
	case live.DeletionTimestamp != nil:
		return false, nil
	}
	err = client.Typed.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &live.UID}})
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return false, classify(err)
}

// resource finds the client for an object of a project's namespace.
func resource(client *kube.Client, object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	r, err := client.Resource(object)
	if err != nil {
		return nil, classify(err)
	}
	gvk := object.GroupVersionKind()
	mapping, err := client.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, classify(err)
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return nil, &Refused{"ClusterScoped", fmt.Sprintf("%s %s does not belong to a namespace; an app may only have objects in its project's", gvk.Kind, object.GetName())}
	}
	return r, nil
}

// Apply makes object so. initial is the number of replicas that a Deployment
// without spec.replicas gets when it is new.
func (c *Cluster) Apply(ctx context.Context, owner Owner, object render.Object, initial int) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	what := object.GetKind() + " " + object.GetName()
	r, err := resource(client, object.Unstructured)
	if err != nil {
		return err
	}
	live, err := r.Get(ctx, object.GetName(), metav1.GetOptions{})
	exists := err == nil
	if err != nil && !apierrors.IsNotFound(err) {
		return classify(fmt.Errorf("read %s: %w", what, err))
	}
	if exists && !owner.owns(live) {
		message := fmt.Sprintf("%s exists already and is not this app's; rename the component or remove the other", what)
		if other := live.GetLabels()[kube.LabelApp]; other != "" {
			message = fmt.Sprintf("%s belongs to app %s already; rename the component", what, other)
		}
		return &Refused{"NameConflict", message}
	}
	if exists && live.GetDeletionTimestamp() != nil {
		return fmt.Errorf("%w: an older %s is still being removed", ErrNotYet, what)
	}
	free := freesReplicas(object.Unstructured)
	if exists && free && ownsReplicas(live) {
		if err := holdReplicas(ctx, r, live, replicas(live)); err != nil {
			return err
		}
	}
	_, err = client.Apply(ctx, object.DeepCopy())
	if err != nil && exists && object.GetKind() == "Job" && apierrors.IsInvalid(err) {
		// The template of a Job cannot be changed: a new one takes its place.
		background := metav1.DeletePropagationBackground
		if err := r.Delete(ctx, object.GetName(), metav1.DeleteOptions{PropagationPolicy: &background}); err != nil && !apierrors.IsNotFound(err) {
			return classify(err)
		}
		return fmt.Errorf("%w: the Job %s is replaced", ErrNotYet, object.GetName())
	}
	if err != nil {
		return classify(err)
	}
	if !exists && free && initial > 1 {
		return holdReplicas(ctx, r, object.Unstructured, int64(initial))
	}
	return nil
}

// Delete removes the objects that are the owner's and reports which of them
// are still there.
func (c *Cluster) Delete(ctx context.Context, owner Owner, refs []record.ObjectRef) (left []record.ObjectRef, err error) {
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	background := metav1.DeletePropagationBackground
	for _, ref := range refs {
		object := &unstructured.Unstructured{}
		object.SetAPIVersion(ref.APIVersion)
		object.SetKind(ref.Kind)
		object.SetName(ref.Name)
		object.SetNamespace(ref.Namespace)
		r, err := client.Resource(object)
		if meta.IsNoMatchError(err) {
			continue // the kind is gone, and its objects with it
		}
		if err != nil {
			return nil, classify(err)
		}
		live, err := r.Get(ctx, ref.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, classify(fmt.Errorf("read %s %s: %w", ref.Kind, ref.Name, err))
		}
		if !owner.owns(live) {
			continue
		}
		left = append(left, ref)
		if live.GetDeletionTimestamp() != nil {
			continue
		}
		uid := live.GetUID()
		err = r.Delete(ctx, ref.Name, metav1.DeleteOptions{PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &uid}})
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, classify(fmt.Errorf("delete %s %s: %w", ref.Kind, ref.Name, err))
		}
	}
	return left, nil
}

// Pods counts the owner's pods that are left.
func (c *Cluster) Pods(ctx context.Context, owner Owner) (int, error) {
	client, err := c.client()
	if err != nil {
		return 0, err
	}
	pods, err := client.Typed.CoreV1().Pods(record.Namespace(owner.Project)).List(ctx, metav1.ListOptions{LabelSelector: owner.selector()})
	if err != nil {
		return 0, classify(fmt.Errorf("list pods of %s: %w", owner.App, err))
	}
	n := 0
	for _, p := range pods.Items {
		if p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			n++
		}
	}
	return n, nil
}
