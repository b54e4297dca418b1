// SPDX-License-Identifier: Apache-2.0

package oam

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Reference is docs/oam.md: every type with its fields, made from the structs
// that files are decoded into.
func Reference() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# OAM Application files

<!-- generated from services/deployer/oam: go test ./oam -run TestReference -update -->

Hydra runs OAM v1beta1 `+"`Application`"+` files with the types and parameters of KubeVela listed here. The file is
`+"`hydra.yaml`, `app.yaml` or `.hydra/app.yaml`"+` below the app's path in its repository, or is given through the API. Without
one an app is a webservice of the built image that listens on port %d (told in `+"`PORT`"+`) and is served over HTTP.

- At most %d KiB, one Application in a file. All problems are reported at once, each with file, line, field and what was
  expected; nothing is changed then. An unknown key is a warning with the nearest name.
- A component without `+"`image`"+` runs the image that Hydra built. A type may carry a version (`+"`webservice@v1`"+`), which is ignored.
- `+"`dependsOn`"+` is obeyed: a component is applied when those that it names are healthy. A circle is an error.
- The annotation `+"`%s: 90s`"+` on the Application, or a policy of type `+"`health-deadline`"+` with the property
  `+"`duration`"+`, says how long a revision may take to become healthy (%s to %s).
- `+"`workflow`"+` and policies such as `+"`topology`, `apply-once` or `garbage-collect`"+` are ignored with a warning. `+"`inputs`, `outputs`"+` and the
  policies `+"`override` and `replication`"+` are errors, because without them other objects would run than the file describes.
- Labels that begin with `+"`hydra.dev/`"+` are Hydra's own.

`, DefaultPort, MaxSize>>10, DeadlineAnnotation, MinDeadline, MaxDeadline)
	components, traits := types()
	for _, part := range []struct {
		title string
		types map[string]reflect.Type
	}{{"Components", components}, {"Traits", traits}} {
		fmt.Fprintf(&b, "## %s\n\n", part.title)
		for _, name := range slices.Sorted(maps.Keys(part.types)) {
			fmt.Fprintf(&b, "### `%s`\n\n%s\n\n", name, about(name))
			if part.types[name].Kind() == reflect.Map {
				b.WriteString("All properties are the entries themselves: text, or null to take one away.\n\n")
				continue
			}
			b.WriteString("| property | takes | needed / default | |\n|---|---|---|---|\n")
			rows(&b, part.types[name], "")
			b.WriteString("\n")
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func about(name string) string {
	switch name {
	case "webservice":
		return "A Deployment, and a Service for the ports with `expose: true` and those that the traits `expose` and `gateway` name. Without a readiness probe the exposed port is probed."
	case "worker":
		return "A Deployment that serves nobody."
	case "task":
		return "A Job named `<component>-v<revision>`, run once in each revision. The revision is healthy when it is complete."
	case "k8s-objects":
		return "Any objects of the project's namespace. Objects without a namespace, in another one, or of another app are refused."
	case "scaler":
		return "Fixes the number of replicas in each roll-out. Without it, and without any other trait that scales, the number is left as it is."
	case "cpuscaler":
		return "A HorizontalPodAutoscaler (autoscaling/v2) on CPU."
	case "hpa":
		return "A HorizontalPodAutoscaler (autoscaling/v2) on CPU, memory and metrics of the pods."
	case "autoscaler":
		return "Hydra's own scaler, by requests per second or CPU of one replica. One in an Application; `requestsPerSecond` or `cpu` is needed."
	case "gateway":
		return "An HTTPRoute to the Gateway `hydra`. A domain below the platform's must end in `.<project>.<domain>`."
	case "expose":
		return "A Service named after the component."
	case "env":
		return "Changes the environment of the component's container."
	case "resource":
		return "Requests and limits: `cpu` and `memory` for both, or `requests` and `limits` apart."
	case "labels":
		return "Labels of the workload and its pods."
	}
	return "Annotations of the workload and its pods."
}

func rows(b *strings.Builder, t reflect.Type, prefix string) {
	for _, f := range fieldsOf(reflect.New(t).Elem()) {
		inner := f.value.Type()
		path := prefix + f.name
		takes := expected(inner, f.tag)
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			if inner.Kind() == reflect.Slice {
				path += "[]"
				takes = "a list, each " + expected(inner.Elem(), f.tag)
			}
			inner = inner.Elem()
		}
		need := f.tag.Get("need")
		if text, ok := f.tag.Lookup("default"); ok {
			need = "`" + text + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", path, takes, need, f.tag.Get("doc"))
		if inner.Kind() == reflect.Struct {
			rows(b, inner, path+".")
		}
	}
}
