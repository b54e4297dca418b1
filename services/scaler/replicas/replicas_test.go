// SPDX-License-Identifier: Apache-2.0

package replicas_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/kube"
	"github.com/hydra-platform/hydra/libs/kube/kubetest"
	"github.com/hydra-platform/hydra/services/scaler/replicas"
)

// TestScaleSubresource writes the scale of a Deployment of a real API server.
func TestScaleSubresource(t *testing.T) {
	t.Parallel()
	access := kube.NewLazy(kubetest.Start(t, 0, nil).Kubeconfig)
	client, err := access.Get()
	require.NoError(t, err)
	ctx := t.Context()
	_, err = client.Typed.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "hydra-acme"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	labels := map[string]string{kube.LabelApp: "shop"}
	deployments := client.Typed.AppsV1().Deployments("hydra-acme")
	_, err = deployments.Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "shop", Image: "127.0.0.1:1/none"}}}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)

	c := replicas.New(access)
	w := record.Workload{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "hydra-acme", Name: "shop"}
	n, err := c.Get(ctx, w)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, c.Set(ctx, w, 4))
	d, err := deployments.Get(ctx, "shop", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, int32(4), *d.Spec.Replicas)
	generation := d.Generation
	require.NoError(t, c.Set(ctx, w, 4))
	d, err = deployments.Get(ctx, "shop", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, generation, d.Generation, "the same number is not written again")

	owned, err := c.Autoscaled(ctx, w)
	require.NoError(t, err)
	require.False(t, owned)
	_, err = client.Typed.AutoscalingV2().HorizontalPodAutoscalers("hydra-acme").Create(ctx, &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec:       autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 3, ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "shop"}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	owned, err = c.Autoscaled(ctx, w)
	require.NoError(t, err)
	require.True(t, owned)

	w.Name = "gone"
	_, err = c.Get(ctx, w)
	require.ErrorIs(t, err, replicas.ErrNoWorkload)
	require.ErrorIs(t, c.Set(ctx, w, 2), replicas.ErrNoWorkload)
}

func TestNoClusterYet(t *testing.T) {
	t.Parallel()
	c := replicas.New(kube.NewLazy(filepath.Join(t.TempDir(), "kubeconfig")))
	_, err := c.Get(t.Context(), record.Workload{Kind: "Deployment", Name: "shop"})
	require.ErrorIs(t, err, replicas.ErrNoCluster)
}
