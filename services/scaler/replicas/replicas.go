// SPDX-License-Identifier: Apache-2.0

// Package replicas reads and writes how many replicas a Deployment is asked
// for, through the scale subresource: the right to use that is all that the
// scaler needs in a cluster, beside reading autoscalers.
package replicas

import (
	"context"
	"errors"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/kube"
)

// Errors of [Cluster]; test with errors.Is.
var (
	ErrNoWorkload = errors.New("the workload is not in the cluster")
	ErrNoCluster  = errors.New("the cluster is not ready")
)

// Cluster scales Deployments of a real cluster.
type Cluster struct {
	access *kube.Lazy
}

// New returns a Cluster that connects at its first use.
func New(access *kube.Lazy) *Cluster { return &Cluster{access: access} }

func (c *Cluster) client() (*kube.Client, error) {
	client, err := c.access.Get()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCluster, err)
	}
	return client, nil
}

// Get returns the number of replicas that w is asked for.
func (c *Cluster) Get(ctx context.Context, w record.Workload) (int, error) {
	client, err := c.client()
	if err != nil {
		return 0, err
	}
	scale, err := client.Typed.AppsV1().Deployments(w.Namespace).GetScale(ctx, w.Name, metav1.GetOptions{})
	if err != nil {
		return 0, wrap("read scale of", w, err)
	}
	return int(scale.Spec.Replicas), nil
}

// Set asks for n replicas of w, unless it is asked for as many already.
func (c *Cluster) Set(ctx context.Context, w record.Workload, n int) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	deployments := client.Typed.AppsV1().Deployments(w.Namespace)
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var scale *autoscalingv1.Scale
		scale, err := deployments.GetScale(ctx, w.Name, metav1.GetOptions{})
		if err != nil || scale.Spec.Replicas == int32(n) {
			return err
		}
		scale.Spec.Replicas = int32(n)
		_, err = deployments.UpdateScale(ctx, w.Name, scale, metav1.UpdateOptions{FieldManager: kube.FieldManager})
		return err
	})
	if err != nil {
		return wrap("scale", w, err)
	}
	return nil
}

// Autoscaled reports whether a HorizontalPodAutoscaler targets w.
func (c *Cluster) Autoscaled(ctx context.Context, w record.Workload) (bool, error) {
	client, err := c.client()
	if err != nil {
		return false, err
	}
	list, err := client.Typed.AutoscalingV2().HorizontalPodAutoscalers(w.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, wrap("list autoscalers of", w, err)
	}
	for _, h := range list.Items {
		if h.Spec.ScaleTargetRef.Kind == w.Kind && h.Spec.ScaleTargetRef.Name == w.Name {
			return true, nil
		}
	}
	return false, nil
}

func wrap(verb string, w record.Workload, err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%s %s %s/%s: %w", verb, w.Kind, w.Namespace, w.Name, ErrNoWorkload)
	}
	return fmt.Errorf("%s %s %s/%s: %w", verb, w.Kind, w.Namespace, w.Name, err)
}
