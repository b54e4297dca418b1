// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/hydra-platform/hydra/libs/kube"
)

// replicaManager owns spec.replicas where the file does not say it. Giving up
// a field that nobody else owns resets it to its default, so that an app under
// load would fall back to one replica: somebody has to hold it.
const replicaManager = kube.FieldManager + "-replicas"

// freesReplicas reports whether whoever scales the workload decides.
func freesReplicas(object *unstructured.Unstructured) bool {
	if object.GetKind() != "Deployment" && object.GetKind() != "StatefulSet" {
		return false
	}
	_, given, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", "replicas")
	return !given
}

// ownsReplicas reports whether an earlier revision fixed the replicas.
func ownsReplicas(live *unstructured.Unstructured) bool {
	for _, m := range live.GetManagedFields() {
		if m.Manager != kube.FieldManager || m.Operation != metav1.ManagedFieldsOperationApply || m.FieldsV1 == nil {
			continue
		}
		var fields map[string]map[string]any
		if json.Unmarshal(m.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		if _, ok := fields["f:spec"]["f:replicas"]; ok {
			return true
		}
	}
	return false
}

func replicas(live *unstructured.Unstructured) int64 {
	n, found, _ := unstructured.NestedInt64(live.Object, "spec", "replicas")
	if !found {
		return 1
	}
	return n
}

func holdReplicas(ctx context.Context, r dynamic.ResourceInterface, object *unstructured.Unstructured, n int64) error {
	hold := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": object.GetAPIVersion(), "kind": object.GetKind(),
		"metadata": map[string]any{"name": object.GetName(), "namespace": object.GetNamespace()},
		"spec":     map[string]any{"replicas": n},
	}}
	if _, err := r.Apply(ctx, object.GetName(), hold, metav1.ApplyOptions{FieldManager: replicaManager, Force: true}); err != nil {
		return classify(fmt.Errorf("keep the replicas of %s %s: %w", object.GetKind(), object.GetName(), err))
	}
	return nil
}
