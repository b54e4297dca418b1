// SPDX-License-Identifier: Apache-2.0

package render

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/hydra-platform/hydra/services/deployer/oam"
)

// podTemplate is where a kind of workload keeps the template of its pods.
func podTemplate(kind string) (path []string, ok bool) {
	switch kind {
	case "Deployment", "StatefulSet", "DaemonSet", "Job":
		return []string{"spec", "template"}, true
	case "CronJob":
		return []string{"spec", "jobTemplate", "spec", "template"}, true
	}
	return nil, false
}

// objects takes objects as they are, inside the project's namespace and under
// Hydra's labels. Kinds without a namespace are refused when they are applied,
// where the cluster says which they are.
func (r *renderer) objects(o *oam.Objects) error {
	for _, object := range o.Objects {
		u := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(object)}
		if space := u.GetNamespace(); space != "" && space != r.in.namespace() {
			return r.errorf("%s %s asks for namespace %s; objects of this project are in %s", u.GetKind(), u.GetName(), space, r.in.namespace())
		}
		u.SetNamespace(r.in.namespace())
		unstructured.RemoveNestedField(u.Object, "status")
		u.SetLabels(r.with(u.GetLabels()))
		if path, ok := podTemplate(u.GetKind()); ok {
			if err := r.labelPods(u, path); err != nil {
				return err
			}
		}
		hosts, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "hostnames")
		if u.GroupVersionKind().Group == "gateway.networking.k8s.io" {
			if len(hosts) == 0 {
				return r.errorf("%s %s names no host in spec.hostnames; a route for every host would take those of other projects", u.GetKind(), u.GetName())
			}
			for _, host := range hosts {
				if err := r.ownHost(host); err != nil {
					return err
				}
			}
			r.hosts = append(r.hosts, hosts...)
		}
		_, workload := podTemplate(u.GetKind())
		r.addUnstructured(u, workload)
	}
	return nil
}

// labelPods puts Hydra's labels on the pods, by which they are found.
func (r *renderer) labelPods(u *unstructured.Unstructured, path []string) error {
	labels := slices.Concat(path, []string{"metadata", "labels"})
	have, _, err := unstructured.NestedStringMap(u.Object, labels...)
	if err == nil {
		err = unstructured.SetNestedStringMap(u.Object, r.with(have), labels...)
	}
	if err != nil {
		return r.errorf("%s %s: %v", u.GetKind(), u.GetName(), err)
	}
	return nil
}

func (r *renderer) with(labels map[string]string) map[string]string {
	if labels == nil {
		labels = map[string]string{}
	}
	for k, v := range r.labels() {
		if _, given := labels[k]; !given || k[:min(len(k), 10)] == "hydra.dev/" || k == "app.kubernetes.io/managed-by" {
			labels[k] = v
		}
	}
	return labels
}
