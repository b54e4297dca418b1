// SPDX-License-Identifier: Apache-2.0

package telemetryset_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/yaml"

	"github.com/hydra-platform/hydra/services/observer/telemetryset"
)

// render gives the chart's objects, decoded strictly: a misspelt field is an
// error.
func render(t *testing.T, values telemetryset.Values) map[string]runtime.Object {
	t.Helper()
	c, err := telemetryset.Chart()
	require.NoError(t, err)
	require.NoError(t, c.Validate())
	all, err := chartutil.ToRenderValues(c, values.Map(), chartutil.ReleaseOptions{Name: telemetryset.Release, Namespace: "hydra-system", IsInstall: true}, chartutil.DefaultCapabilities)
	require.NoError(t, err)
	files, err := engine.Render(c, all)
	require.NoError(t, err)

	scheme := runtime.NewScheme()
	require.NoError(t, corev1.AddToScheme(scheme))
	require.NoError(t, appsv1.AddToScheme(scheme))
	require.NoError(t, rbacv1.AddToScheme(scheme))
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	objects := map[string]runtime.Object{}
	for name, text := range files {
		if strings.HasSuffix(name, ".tpl") {
			continue
		}
		for _, document := range strings.Split(text, "\n---\n") {
			object, kind, err := decoder.Decode([]byte(document), nil, nil)
			require.NoError(t, err, "%s:\n%s", name, document)
			meta, ok := object.(interface{ GetName() string })
			require.True(t, ok)
			objects[kind.Kind+"/"+meta.GetName()] = object
		}
	}
	return objects
}

func TestChart(t *testing.T) {
	t.Parallel()
	objects := render(t, telemetryset.Values{PrometheusImage: "127.0.0.1:7050/hydra/prometheus@sha256:aa", CollectorImage: "127.0.0.1:7050/hydra/collector@sha256:bb", EntryTarget: "10.1.2.3:7082"})
	require.Len(t, objects, 10)
	for component, image := range map[string]string{"hydra-prometheus": "127.0.0.1:7050/hydra/prometheus@sha256:aa", "hydra-collector": "127.0.0.1:7050/hydra/collector@sha256:bb"} {
		d := objects["Deployment/"+component].(*appsv1.Deployment)
		require.Equal(t, "hydra-system", d.Namespace)
		for key, value := range d.Spec.Selector.MatchLabels {
			require.Equal(t, value, d.Spec.Template.Labels[key])
		}
		c := d.Spec.Template.Spec.Containers[0]
		require.Equal(t, image, c.Image)
		require.NotNil(t, c.ReadinessProbe)
		require.False(t, c.Resources.Limits.Memory().IsZero())
		require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem)
		s := objects["Service/"+component].(*corev1.Service)
		require.Equal(t, d.Spec.Selector.MatchLabels, s.Spec.Selector)
	}
	require.ElementsMatch(t, telemetryset.Components(), []string{"hydra-prometheus", "hydra-collector"})

	role := objects["ClusterRole/hydra-prometheus"].(*rbacv1.ClusterRole)
	for _, rule := range role.Rules {
		for _, verb := range rule.Verbs {
			require.Contains(t, []string{"get", "list", "watch"}, verb, "the set only reads")
		}
		require.Subset(t, []string{"nodes", "nodes/metrics"}, rule.Resources)
	}
}

func TestConfigurations(t *testing.T) {
	t.Parallel()
	with := config(t, "10.1.2.3:7082")
	require.Equal(t, []any{"hydra-entry", "hydra-kubelet"}, with)
	without := config(t, "")
	require.Equal(t, []any{"hydra-kubelet"}, without, "no entry, no job")
}

func config(t *testing.T, entry string) (jobs []any) {
	t.Helper()
	objects := render(t, telemetryset.Values{PrometheusImage: "p", CollectorImage: "c", EntryTarget: entry})
	var prometheus, collector map[string]any
	require.NoError(t, yaml.UnmarshalStrict([]byte(objects["ConfigMap/hydra-prometheus"].(*corev1.ConfigMap).Data["prometheus.yml"]), &prometheus))
	require.NoError(t, yaml.UnmarshalStrict([]byte(objects["ConfigMap/hydra-collector"].(*corev1.ConfigMap).Data["config.yaml"]), &collector))
	require.Contains(t, collector, "service")
	for _, job := range prometheus["scrape_configs"].([]any) {
		jobs = append(jobs, job.(map[string]any)["job_name"])
	}
	return jobs
}

func TestValuesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	c, err := telemetryset.Chart()
	require.NoError(t, err)
	for name, values := range map[string]map[string]any{
		"NoImage":    {"prometheus": map[string]any{"image": ""}},
		"UnknownKey": {"promethues": map[string]any{}},
		"EntryURL":   {"entry": map[string]any{"target": "http://10.1.2.3:7082/metrics"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{}, chartutil.DefaultCapabilities)
			require.Error(t, err)
		})
	}
}
