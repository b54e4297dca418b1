// SPDX-License-Identifier: Apache-2.0

package oam

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// check looks for what cannot be seen in one field alone.
func (d *decoder) check(app *Application) {
	names := map[string]int{}
	scaled := ""
	routes := map[string]string{} // domain and path to component
	for i, c := range app.Components {
		at := fmt.Sprintf("spec.components[%d]", i)
		if c.Name != "" {
			if errs := validation.IsDNS1035Label(c.Name); len(errs) > 0 || len(c.Name) > 50 {
				d.at(at+".name", "want at most 50 lower case letters, digits or hyphens, beginning with a letter, got %q", c.Name)
			}
			if first, ok := names[c.Name]; ok {
				d.at(at+".name", "component %q is there already, as spec.components[%d]", c.Name, first)
			} else {
				names[c.Name] = i
			}
		}
		if container := c.Container(); container != nil {
			d.container(container, at+".properties")
		}
		switch p := c.Properties.(type) {
		case *Webservice:
			d.webservice(p, at+".properties")
		case *Objects:
			d.objects(p, at+".properties")
		}
		d.traits(c, at)
		for j, t := range c.Traits {
			trait := fmt.Sprintf("%s.traits[%d]", at, j)
			switch p := t.Properties.(type) {
			case *Autoscaler:
				if scaled != "" {
					d.at(trait, "component %s has an autoscaler already; want one in the application", scaled)
				}
				scaled = c.Name
			case *Gateway:
				for path := range p.HTTP {
					key := p.Domain + path
					if other, ok := routes[key]; ok {
						d.at(trait+".properties.http."+path, "component %s takes this path of the same host already", other)
					}
					routes[key] = c.Name
				}
			}
		}
	}
	d.order(app, names)
}

// order sets the wave of each component.
func (d *decoder) order(app *Application, index map[string]int) {
	for i, c := range app.Components {
		for j, name := range c.DependsOn {
			if _, ok := index[name]; !ok {
				hint := ""
				var names []string
				for _, c := range app.Components {
					names = append(names, c.Name)
				}
				if near, ok := nearest(name, names); ok {
					hint = "; did you mean " + near + "?"
				}
				d.at(fmt.Sprintf("spec.components[%d].dependsOn[%d]", i, j), "there is no component %q%s", name, hint)
			}
		}
	}
	// Each round settles at least one component unless they wait in a circle.
	for range app.Components {
		for i := range app.Components {
			for _, name := range app.Components[i].DependsOn {
				if j, ok := index[name]; ok {
					app.Components[i].Wave = max(app.Components[i].Wave, app.Components[j].Wave+1)
				}
			}
		}
	}
	for i, c := range app.Components {
		if c.Wave >= len(app.Components) {
			d.at(fmt.Sprintf("spec.components[%d].dependsOn", i), "component %s waits for itself, by way of others", c.Name)
			return
		}
	}
}

func (d *decoder) container(c *Container, at string) {
	if strings.ContainsAny(c.Image, " \t\n") || len(c.Image) > 512 {
		d.at(at+".image", "want the reference of an image, such as docker.io/library/nginx:1.29, got %q", c.Image)
	}
	d.labels(at+".labels", c.Labels)
	d.annotations(at+".annotations", c.Annotations)
	seen := map[string]bool{}
	for i, e := range c.Env {
		env := fmt.Sprintf("%s.env[%d]", at, i)
		d.envName(env+".name", e.Name)
		if seen[e.Name] {
			d.at(env+".name", "variable %s is there twice", e.Name)
		}
		seen[e.Name] = true
		if e.Value != nil && e.ValueFrom != nil {
			d.at(env, "want value or valueFrom, got both")
		}
		if from := e.ValueFrom; from != nil && (from.SecretKeyRef == nil) == (from.ConfigMapKeyRef == nil) {
			d.at(env+".valueFrom", "want one of secretKeyRef, configMapKeyRef")
		}
	}
	d.probe(at+".livenessProbe", c.LivenessProbe)
	d.probe(at+".readinessProbe", c.ReadinessProbe)
	for i, s := range c.ImagePullSecrets {
		d.objectName(fmt.Sprintf("%s.imagePullSecrets[%d]", at, i), s)
	}
	d.volumes(c, at)
}

func (d *decoder) volumes(c *Container, at string) {
	paths := map[string]bool{}
	mount := func(field string, name, path string) {
		if errs := validation.IsDNS1123Label(name); name != "" && len(errs) > 0 {
			d.at(field+".name", "want lower case letters, digits and hyphens, got %q", name)
		}
		if path == "" {
			return
		}
		if !strings.HasPrefix(path, "/") || strings.Contains(path, ":") {
			d.at(field+".mountPath", "want a path that begins with /, got %q", path)
		}
		if paths[path] {
			d.at(field+".mountPath", "%s is mounted twice", path)
		}
		paths[path] = true
	}
	if m := c.VolumeMounts; m != nil {
		for i, v := range m.PVC {
			mount(fmt.Sprintf("%s.volumeMounts.pvc[%d]", at, i), v.Name, v.MountPath)
		}
		for i, v := range m.ConfigMap {
			mount(fmt.Sprintf("%s.volumeMounts.configMap[%d]", at, i), v.Name, v.MountPath)
		}
		for i, v := range m.Secret {
			mount(fmt.Sprintf("%s.volumeMounts.secret[%d]", at, i), v.Name, v.MountPath)
		}
		for i, v := range m.EmptyDir {
			mount(fmt.Sprintf("%s.volumeMounts.emptyDir[%d]", at, i), v.Name, v.MountPath)
		}
		for i, v := range m.HostPath {
			mount(fmt.Sprintf("%s.volumeMounts.hostPath[%d]", at, i), v.Name, v.MountPath)
		}
		return
	}
	for i, v := range c.Volumes {
		field := fmt.Sprintf("%s.volumes[%d]", at, i)
		mount(field, v.Name, v.MountPath)
		for kind, key := range map[string]struct{ name, value string }{
			"pvc": {"claimName", v.ClaimName}, "configMap": {"cmName", v.ConfigMapName}, "secret": {"secretName", v.SecretName},
		} {
			if v.Type == kind && key.value == "" {
				d.at(field+"."+key.name, "is missing; a volume of type %s needs it", kind)
			}
		}
	}
}

func (d *decoder) webservice(w *Webservice, at string) {
	ports := map[string]bool{}
	names := map[string]bool{}
	for i, p := range w.Ports {
		field := fmt.Sprintf("%s.ports[%d]", at, i)
		key := fmt.Sprint(p.Port, p.Protocol)
		if p.Port != 0 && ports[key] {
			d.at(field+".port", "port %d %s is there twice", p.Port, p.Protocol)
		}
		ports[key] = true
		if p.Name == "" {
			continue
		}
		if len(validation.IsValidPortName(p.Name)) > 0 {
			d.at(field+".name", "want at most 15 lower case letters, digits or hyphens, got %q", p.Name)
		}
		if names[p.Name] {
			d.at(field+".name", "port name %s is there twice", p.Name)
		}
		names[p.Name] = true
	}
	for i, h := range w.HostAliases {
		if _, err := netip.ParseAddr(h.IP); err != nil && h.IP != "" {
			d.at(fmt.Sprintf("%s.hostAliases[%d].ip", at, i), "want an IP address, got %q", h.IP)
		}
	}
}

func (d *decoder) objects(o *Objects, at string) {
	if len(o.Objects) == 0 {
		d.at(at+".objects", "is empty; want at least one object")
	}
	for i, object := range o.Objects {
		field := fmt.Sprintf("%s.objects[%d]", at, i)
		for _, key := range []string{"apiVersion", "kind"} {
			if s, _ := object[key].(string); s == "" {
				d.at(field+"."+key, "is missing; want text")
			}
		}
		metadata, _ := object["metadata"].(map[string]any)
		name, _ := metadata["name"].(string)
		if errs := validation.IsDNS1123Subdomain(name); len(errs) > 0 {
			d.at(field+".metadata.name", "want the name of an object, got %q", name)
		}
		for _, key := range []string{"labels", "annotations"} {
			values, ok := metadata[key].(map[string]any)
			if metadata[key] != nil && !ok {
				d.at(field+".metadata."+key, "want an object")
			}
			for k, v := range values {
				if _, ok := v.(string); !ok {
					d.at(field+".metadata."+key+"."+k, "want text; put it in quotes")
				}
				if key == "labels" {
					d.reserved(field+".metadata.labels."+k, k)
				}
			}
		}
	}
}

func (d *decoder) probe(at string, p *Probe) {
	if p == nil {
		return
	}
	ways := 0
	for _, given := range []bool{p.Exec != nil, p.HTTPGet != nil, p.TCPSocket != nil} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		d.at(at, "want exactly one of exec, httpGet, tcpSocket, got %d", ways)
	}
	if strings.HasSuffix(at, ".livenessProbe") && p.SuccessThreshold > 1 {
		d.at(at+".successThreshold", "want 1 for a liveness probe, got %d", p.SuccessThreshold)
	}
}

func (d *decoder) envName(at, name string) {
	if errs := validation.IsEnvVarName(name); name != "" && len(errs) > 0 {
		d.at(at, "want the name of a variable, such as LOG_LEVEL, got %q", name)
	}
}

func (d *decoder) objectName(at, name string) {
	if errs := validation.IsDNS1123Subdomain(name); len(errs) > 0 {
		d.at(at, "want the name of an object, got %q", name)
	}
}

func (d *decoder) labels(at string, labels map[string]string) {
	for k, v := range labels {
		d.label(at+"."+k, k, v)
	}
}

func (d *decoder) label(at, key, value string) {
	if d.reserved(at, key) {
		return
	}
	if errs := slices.Concat(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)); len(errs) > 0 {
		d.at(at, "not a label: %s", errs[0])
	}
}

func (d *decoder) annotations(at string, annotations map[string]string) {
	for k := range annotations {
		if errs := validation.IsQualifiedName(strings.ToLower(k)); len(errs) > 0 {
			d.at(at+"."+k, "not the key of an annotation: %s", errs[0])
		}
	}
}

// reserved reports labels by which Hydra finds its objects.
func (d *decoder) reserved(at, key string) bool {
	if !strings.HasPrefix(key, "hydra.dev/") && key != "app.kubernetes.io/managed-by" && key != "app.oam.dev/component" {
		return false
	}
	d.at(at, "label %s is set by Hydra; choose another key", key)
	return true
}
