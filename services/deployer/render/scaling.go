// SPDX-License-Identifier: Apache-2.0

package render

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/deployer/oam"
)

// replicas applies the trait that says how many replicas there are, or who
// decides it.
func (r *renderer) replicas(d *appsv1.Deployment) error {
	for _, t := range oam.TraitsOf[oam.Scaler](r.component) {
		d.Spec.Replicas = &t.Replicas
	}
	for _, t := range oam.TraitsOf[oam.CPUScaler](r.component) {
		r.out.Initial[d.Name] = int(t.Min)
		err := r.hpa(t.Min, t.Max, t.TargetAPIVersion, t.TargetKind, []autoscalingv2.MetricSpec{
			resourceMetric(corev1.ResourceCPU, oam.HPATarget{Type: "Utilization", Value: t.CPUUtil}),
		})
		if err != nil {
			return err
		}
	}
	for _, t := range oam.TraitsOf[oam.HPA](r.component) {
		r.out.Initial[d.Name] = int(t.Min)
		metrics := []autoscalingv2.MetricSpec{resourceMetric(corev1.ResourceCPU, t.CPU)}
		if t.Memory != nil {
			metrics = append(metrics, resourceMetric(corev1.ResourceMemory, *t.Memory))
		}
		for _, m := range t.PodCustomMetrics {
			value, err := resource.ParseQuantity(string(m.Value))
			if err != nil {
				return r.errorf("metric %s: %v", m.Name, err)
			}
			metrics = append(metrics, autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
				Metric: autoscalingv2.MetricIdentifier{Name: m.Name},
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &value},
			}})
		}
		if err := r.hpa(t.Min, t.Max, t.TargetAPIVersion, t.TargetKind, metrics); err != nil {
			return err
		}
	}
	for _, t := range oam.TraitsOf[oam.Autoscaler](r.component) {
		r.out.Initial[d.Name] = int(t.Min)
		r.out.scaled = r.component.Name
		r.out.Scaling = &record.ScalePolicy{
			Min: int(t.Min), Max: int(t.Max), RequestsPerSecond: t.RequestsPerSecond, CPU: t.CPU, ScaleDownAfter: t.ScaleDownAfterSeconds,
		}
	}
	return nil
}

func (r *renderer) hpa(least, greatest int32, apiVersion, kind string, metrics []autoscalingv2.MetricSpec) error {
	return r.add(autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: metav1.ObjectMeta{Name: r.component.Name, Namespace: r.in.namespace(), Labels: r.labels()},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: apiVersion, Kind: kind, Name: r.component.Name},
			MinReplicas:    &least,
			MaxReplicas:    greatest,
			Metrics:        metrics,
		},
	}, false)
}

func resourceMetric(name corev1.ResourceName, t oam.HPATarget) autoscalingv2.MetricSpec {
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.MetricTargetType(t.Type)}
	if target.Type == autoscalingv2.AverageValueMetricType {
		target.AverageValue = resource.NewQuantity(int64(t.Value), resource.DecimalSI)
	} else {
		target.AverageUtilization = &t.Value
	}
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: name, Target: target}}
}
