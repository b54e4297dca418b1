// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/hydra-platform/hydra/services/deployer/oam"
	"github.com/hydra-platform/hydra/services/deployer/render"
)

var update = flag.Bool("update", false, "write golden files")

func input(t *testing.T, spec string) render.Input {
	t.Helper()
	app, _, err := oam.Parse("app.yaml", []byte(spec))
	require.NoError(t, err)
	return render.Input{
		Application: app, Project: "acme", App: "shop", Revision: 7, Image: "127.0.0.1:7050/acme/shop@sha256:0123", Deadline: 2 * time.Minute,
		Options: render.Options{
			Domain: "localhost", Scheme: "http", Port: 7080, GatewayName: "hydra", GatewaySpace: "hydra-system",
			CPURequest: "50m", MemoryRequest: "64Mi", Grace: 5 * time.Second,
		},
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../oam/testdata/valid/*.yaml")
	require.NoError(t, err)
	specs := map[string]string{"fileless": oam.Fileless("shop")}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		specs[strings.TrimSuffix(filepath.Base(file), ".yaml")] = string(data)
	}
	require.Greater(t, len(specs), 5)
	strict := strictDecoder(t)
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := render.Application(input(t, spec))
			require.NoError(t, err)
			var golden bytes.Buffer
			for _, o := range out.Objects {
				data, err := json.Marshal(o.Object)
				require.NoError(t, err)
				_, _, err = strict.Decode(data, nil, nil)
				require.NoError(t, err, "%s %s", o.GetKind(), o.GetName())
				text, err := yaml.JSONToYAML(data)
				require.NoError(t, err)
				golden.WriteString("---\n")
				golden.Write(text)
			}
			facts, err := yaml.Marshal(map[string]any{"workloads": out.Workloads, "scaling": out.Scaling, "url": out.URL, "initial": out.Initial})
			require.NoError(t, err)
			golden.WriteString("--- # record\n")
			golden.Write(facts)

			file := filepath.Join("testdata", name+".yaml")
			if *update {
				require.NoError(t, os.WriteFile(file, golden.Bytes(), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err, "run with -update")
			require.Equal(t, string(want), golden.String())
		})
	}
}

// strictDecoder refuses fields that a kind does not have.
func strictDecoder(t *testing.T) runtime.Decoder {
	t.Helper()
	known := runtime.NewScheme()
	require.NoError(t, scheme.AddToScheme(known))
	require.NoError(t, gatewayv1.Install(known))
	return serializer.NewCodecFactory(known, serializer.EnableStrict).UniversalDeserializer()
}

func TestSameInputSameBytes(t *testing.T) {
	t.Parallel()
	spec, err := os.ReadFile("../oam/testdata/valid/traits.yaml")
	require.NoError(t, err)
	render1 := func() string {
		out, err := render.Application(input(t, string(spec)))
		require.NoError(t, err)
		data, err := json.Marshal(out.Objects)
		require.NoError(t, err)
		return string(data)
	}
	first := render1()
	for range 20 {
		require.Equal(t, first, render1())
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: core.oam.dev/v1beta1\nkind: Application\nmetadata:\n  name: shop\nspec:\n  components:\n"
	for name, c := range map[string]struct{ spec, want string }{
		"ForeignHost":      {"    - {name: a, type: webservice, traits: [{type: gateway, properties: {domain: shop.rival.localhost, http: {/: 80}}}]}", "component a: host shop.rival.localhost is not this project's"},
		"WildcardHost":     {"    - {name: a, type: webservice, traits: [{type: gateway, properties: {domain: '*.localhost', http: {/: 80}}}]}", "is not this project's"},
		"ForeignNamespace": {"    - {name: a, type: k8s-objects, properties: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: hydra-rival}}]}}", "asks for namespace hydra-rival"},
		"ForeignRoute":     {"    - {name: a, type: k8s-objects, properties: {objects: [{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: x}, spec: {hostnames: [x.rival.localhost]}}]}}", "is not this project's"},
		"RouteForAll":      {"    - {name: a, type: k8s-objects, properties: {objects: [{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: x}}]}}", "names no host"},
		"TwoOfOneName":     {"    - {name: a, type: worker}\n    - {name: b, type: k8s-objects, properties: {objects: [{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}]}}", "Deployment a is made by component a already"},
		"LimitBelow":       {"    - {name: a, type: webservice, properties: {cpu: '1', limit: {cpu: 500m}}}", "cpu limit 500m is below the request of 1"},
		"OtherContainer":   {"    - {name: a, type: worker, traits: [{type: env, properties: {containerName: b, env: {A: b}}}]}", "names container b; the component's is a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := render.Application(input(t, head+c.spec))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestNoImage(t *testing.T) {
	t.Parallel()
	in := input(t, oam.Fileless("shop"))
	in.Image = ""
	_, err := render.Application(in)
	require.ErrorContains(t, err, "no image is given and none was built")
}
