// SPDX-License-Identifier: Apache-2.0

package oam_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/services/deployer/oam"
)

const head = "apiVersion: core.oam.dev/v1beta1\nkind: Application\nmetadata:\n  name: shop\nspec:\n  components:\n"

func TestParseReadsEveryType(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/valid/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			app, warnings, err := oam.Parse(file, data)
			require.NoError(t, err)
			require.Empty(t, warnings)
			require.NotEmpty(t, app.Components)
		})
	}
}

func TestParseFillsDefaults(t *testing.T) {
	t.Parallel()
	app, warnings, err := oam.Parse("app.yaml", []byte(head+`
    - name: web
      type: webservice@v3
      properties:
        image: nginx
        cpu: 0.5
        memory: 128Mi
        ports: [{port: 80}]
        readinessProbe: {httpGet: {path: /, port: 80}}
        volumeMounts:
          configMap: [{name: a, mountPath: /a, cmName: a, items: [{key: k, path: p}]}]
      traits:
        - {type: hpa}
        - {type: expose, properties: {port: [80]}}
        - {type: resource, properties: {requests: {cpu: 2}}}
`))
	require.NoError(t, err)
	require.Empty(t, warnings)
	web := app.Components[0].Properties.(*oam.Webservice)
	require.Equal(t, "webservice", app.Components[0].Type)
	require.Equal(t, oam.Quantity("0.5"), web.CPU)
	require.Equal(t, "TCP", web.Ports[0].Protocol)
	require.Equal(t, "ClusterIP", web.ExposeType)
	require.EqualValues(t, 10, web.ReadinessProbe.PeriodSeconds)
	require.EqualValues(t, 1, web.ReadinessProbe.TimeoutSeconds)
	require.EqualValues(t, 3, web.ReadinessProbe.FailureThreshold)
	require.Equal(t, "HTTP", web.ReadinessProbe.HTTPGet.Scheme)
	require.EqualValues(t, 420, web.VolumeMounts.ConfigMap[0].DefaultMode)
	require.EqualValues(t, 511, web.VolumeMounts.ConfigMap[0].Items[0].Mode)
	hpa := oam.TraitsOf[oam.HPA](app.Components[0])[0]
	require.Equal(t, oam.HPA{Min: 1, Max: 10, TargetAPIVersion: "apps/v1", TargetKind: "Deployment", CPU: oam.HPATarget{Type: "Utilization", Value: 50}}, *hpa)
	resource := oam.TraitsOf[oam.Resource](app.Components[0])[0]
	require.Equal(t, oam.Resources{CPU: "2", Memory: "2048Mi"}, *resource.Requests)
	require.Nil(t, resource.Limits)
}

func TestParseReportsAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, _, err := oam.Parse("hydra.yaml", []byte(head+`
    - name: web
      type: webservice
      properties:
        ports:
          - port: "8080"
          - {expose: yes}
        env:
          - {name: A, value: 1}
        exposeType: NodeProt
    - name: web
      type: webservise
    - name: c
      type: worker
      dependsOn: [wbe]
      traits:
        - {type: autoscaler, properties: {min: 5, max: 2}}
`))
	var invalid *oam.Invalid
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, []string{
		`hydra.yaml:12: spec.components[0].properties.ports[0].port: want a whole number from 1 to 65535, got "8080"`,
		`hydra.yaml:13: spec.components[0].properties.ports[1].expose: want true or false, got "yes"`,
		`hydra.yaml:13: spec.components[0].properties.ports[1].port: is missing; want a whole number from 1 to 65535`,
		`hydra.yaml:15: spec.components[0].properties.env[0].value: want text, got the number 1; put it in quotes`,
		`hydra.yaml:16: spec.components[0].properties.exposeType: want one of ClusterIP, NodePort, LoadBalancer, got "NodeProt"; did you mean NodePort?`,
		`hydra.yaml:17: spec.components[1].name: component "web" is there already, as spec.components[0]`,
		`hydra.yaml:18: spec.components[1].type: component type "webservise" is not supported; want one of k8s-objects, task, webservice, worker; did you mean webservice?`,
		`hydra.yaml:21: spec.components[2].dependsOn[0]: there is no component "wbe"; did you mean web?`,
		`hydra.yaml:23: spec.components[2].traits[0].properties: want requestsPerSecond or cpu above 0: the load that one replica is to have`,
		`hydra.yaml:23: spec.components[2].traits[0].properties.max: want at least min, which is 5, got 2`,
	}, strings.Split(invalid.Error(), "\n"))
}

func TestParseWarnsOfUnknownKeys(t *testing.T) {
	t.Parallel()
	app, warnings, err := oam.Parse("app.yaml", []byte(head+`
    - name: web
      type: webservice
      propertys: {}
      properties:
        imagePullPolcy: Always
        zebra: 1
  workflow: {steps: []}
`))
	require.NoError(t, err)
	require.NotNil(t, app)
	require.Len(t, warnings, 4)
	require.Contains(t, warnings[0].String(), "app.yaml:10: spec.components[0].propertys: unknown key, ignored; did you mean properties?")
	require.Contains(t, warnings[1].String(), "did you mean imagePullPolicy?")
	require.Contains(t, warnings[2].String(), "known here: image, ")
	require.Contains(t, warnings[3].String(), "app.yaml:14: spec.workflow: ignored")
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	component := func(s string) string { return head + "    - " + strings.ReplaceAll(s, "\n", "\n      ") }
	for name, c := range map[string]struct{ in, want string }{
		"Empty":           {"", "app.yaml:1: the file is empty"},
		"NotYAML":         {"a: b\nc: [", "app.yaml:2: not YAML: did not find expected node content"},
		"Scalar":          {"hello", "app.yaml:1: want an Application object"},
		"TwoDocuments":    {component("{name: a, type: worker}\n") + "\n---\nkind: X\n", "a second document begins here"},
		"TooLong":         {strings.Repeat("#", oam.MaxSize+1), "want at most 262144"},
		"OtherKind":       {strings.Replace(component("{name: a, type: worker}"), "Application", "Deployment", 1), `app.yaml:2: kind: want Application, got "Deployment"`},
		"NoComponents":    {"apiVersion: core.oam.dev/v1beta1\nkind: Application\nmetadata: {name: a}\nspec: {components: []}\n", "spec.components: is empty"},
		"DuplicateKey":    {component("{name: a, type: worker, type: task}"), "spec.components[0].type: the key is there twice"},
		"Circle":          {component("{name: a, type: worker, dependsOn: [b]}") + "\n    - {name: b, type: worker, dependsOn: [a]}", "component a waits for itself"},
		"SelfAlias":       {"apiVersion: &a [*a]\n", "want text, got a list"},
		"DeepAlias":       {component("{name: a, type: k8s-objects, properties: {objects: [&x {apiVersion: v1, kind: A, metadata: {name: a}, s: *x}]}}"), "nested too deep"},
		"Laughs":          {component("name: a\ntype: k8s-objects\nproperties:\n  objects:\n    - &a {l: [1,1,1,1,1,1,1,1,1,1]}\n    - &b {l: [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]}\n    - &c {l: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]}\n    - &d {l: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]}\n    - {l: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]}"), "refers to itself too often"},
		"ReservedLabel":   {component("{name: a, type: worker, traits: [{type: labels, properties: {hydra.dev/app: x}}]}"), "label hydra.dev/app is set by Hydra"},
		"BadQuantity":     {component("{name: a, type: worker, properties: {cpu: 1e9}}"), "want a quantity such as 500m, 0.5 or 128Mi, got the number 1e9"},
		"TwoScalers":      {component("{name: a, type: worker, traits: [{type: scaler}, {type: hpa}]}"), "traits hpa, scaler all set the number of replicas; keep one"},
		"ScalerOnTask":    {component("{name: a, type: task, traits: [{type: scaler}]}"), "trait scaler does not apply to a component of type task"},
		"SamePath":        {component("{name: a, type: webservice, traits: [{type: gateway, properties: {http: {/: 80}}}]}") + "\n    - {name: b, type: webservice, traits: [{type: gateway, properties: {http: {/: 80}}}]}", "component a takes this path of the same host already"},
		"NoPath":          {component("{name: a, type: webservice, traits: [{type: gateway, properties: {http: {}}}]}"), "http: is empty"},
		"TwoProbes":       {component("{name: a, type: worker, properties: {livenessProbe: {tcpSocket: {port: 1}, exec: {command: [a]}}}}"), "want exactly one of exec, httpGet, tcpSocket, got 2"},
		"BothEnvShapes":   {component("{name: a, type: worker, traits: [{type: env, properties: {env: {A: b}, containers: [{env: {A: b}}]}}]}"), "want either env, unset and replace, or containers"},
		"VolumeNoClaim":   {component("{name: a, type: worker, properties: {volumes: [{name: a, mountPath: /a, type: pvc}]}}"), "claimName: is missing; a volume of type pvc needs it"},
		"Override":        {component("{name: a, type: worker}") + "\n  policies: [{type: override}]", `policy type "override" changes what is deployed`},
		"Deadline":        {strings.Replace(component("{name: a, type: worker}"), "name: shop", "name: shop\n  annotations: {hydra.dev/health-deadline: soon}", 1), "want hydra.dev/health-deadline as a duration from 5s to 1h0m0s, such as 90s, got \"soon\""},
		"ObjectNoName":    {component("{name: a, type: k8s-objects, properties: {objects: [{apiVersion: v1, kind: ConfigMap}]}}"), "metadata.name: want the name of an object"},
		"Outputs":         {component("{name: a, type: worker, outputs: [{name: x}]}"), "values passed between components are not supported"},
		"PrivilegedLabel": {component("{name: a, type: k8s-objects, properties: {objects: [{apiVersion: v1, kind: A, metadata: {name: a, labels: {hydra.dev/project: other}}}]}}"), "label hydra.dev/project is set by Hydra"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := oam.Parse("app.yaml", []byte(c.in))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestParseOrdersByDependsOn(t *testing.T) {
	t.Parallel()
	app, _, err := oam.Parse("app.yaml", []byte(head+`
    - {name: web, type: webservice, dependsOn: [migrate]}
    - {name: migrate, type: task, dependsOn: [db]}
    - {name: db, type: worker}
`))
	require.NoError(t, err)
	require.Equal(t, []int{2, 1, 0}, []int{app.Components[0].Wave, app.Components[1].Wave, app.Components[2].Wave})
}

func TestDeadlineOfAnnotationAndPolicy(t *testing.T) {
	t.Parallel()
	app, _, err := oam.Parse("app.yaml", []byte(head+"    - {name: a, type: worker}\n  policies: [{type: health-deadline, properties: {duration: 30s}}]"))
	require.NoError(t, err)
	require.Equal(t, 30*time.Second, app.Deadline)
}

func TestFilelessIsValid(t *testing.T) {
	t.Parallel()
	app, warnings, err := oam.Parse("hydra.yaml", []byte(oam.Fileless("shop")))
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Equal(t, []string{"shop"}, app.NeedsImage())
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/valid/*.yaml")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte(head + "    - &a {name: a, type: k8s-objects, properties: {objects: [*a, {<<: *a}]}}"))
	f.Add([]byte("a: &a {<<: *a}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		app, _, err := oam.Parse("f.yaml", data)
		if err == nil {
			require.NotEmpty(t, app.Components)
			for _, c := range app.Components {
				require.NotNil(t, c.Properties)
				require.NotEmpty(t, c.Name)
			}
			return
		}
		var invalid *oam.Invalid
		require.True(t, errors.As(err, &invalid))
		require.NotEmpty(t, invalid.Problems)
		for _, p := range invalid.Problems {
			require.Positive(t, p.Line)
			require.NotEmpty(t, p.Message)
		}
	})
}
