// SPDX-License-Identifier: Apache-2.0

package oam

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// traits checks the traits of one component, each and together.
func (d *decoder) traits(c Component, at string) {
	serves := map[string]bool{"webservice": true, "worker": true}
	workload := map[string]bool{"webservice": true, "worker": true, "task": true}
	var counts []string
	for i, t := range c.Traits {
		trait := fmt.Sprintf("%s.traits[%d]", at, i)
		properties := trait + ".properties"
		switch p := t.Properties.(type) {
		case *Scaler, *CPUScaler, *HPA, *Autoscaler:
			counts = append(counts, t.Type)
			if !serves[c.Type] && c.Properties != nil {
				d.at(trait, "trait %s does not apply to a component of type %s", t.Type, c.Type)
			}
			d.scaling(p, properties)
		case *Gateway:
			d.gateway(p, c, properties)
		case *Expose:
			d.expose(p, properties)
		case *Env:
			if !workload[c.Type] && c.Properties != nil {
				d.at(trait, "trait env does not apply to a component of type %s", c.Type)
			}
			d.env(p, properties)
		case *Labels:
			for k, v := range *p {
				if v == nil {
					d.reserved(properties+"."+k, k)
				} else {
					d.label(properties+"."+k, k, *v)
				}
			}
		case *Annotations:
			for k := range *p {
				d.annotations(properties, map[string]string{k: ""})
			}
		}
	}
	if len(counts) > 1 {
		slices.Sort(counts)
		d.at(at+".traits", "traits %s all set the number of replicas; keep one", strings.Join(counts, ", "))
	}
}

func (d *decoder) scaling(p any, at string) {
	least, greatest := int32(0), int32(0)
	switch p := p.(type) {
	case *CPUScaler:
		least, greatest = p.Min, p.Max
	case *HPA:
		least, greatest = p.Min, p.Max
	case *Autoscaler:
		least, greatest = p.Min, p.Max
		if p.RequestsPerSecond == 0 && p.CPU == 0 {
			d.at(at, "want requestsPerSecond or cpu above 0: the load that one replica is to have")
		}
		if p.Min == 0 {
			d.at(at+".min", "want at least 1 replica, got 0")
		}
	}
	if least > greatest {
		d.at(at+".max", "want at least min, which is %d, got %d", least, greatest)
	}
}

func (d *decoder) gateway(g *Gateway, c Component, at string) {
	if c.Type != "webservice" && c.Type != "worker" && c.Properties != nil && g.ExistingServiceName == "" {
		d.at(at, "a component of type %s has no Service; name one in existingServiceName", c.Type)
	}
	if g.Domain != "" && len(validation.IsDNS1123Subdomain(strings.TrimPrefix(g.Domain, "*."))) > 0 {
		d.at(at+".domain", "want a host name, such as shop.example.com, got %q", g.Domain)
	}
	if len(g.HTTP) == 0 {
		d.at(at+".http", "is empty; want a path and its port, such as \"/\": 8080")
	}
	for path, port := range g.HTTP {
		if !strings.HasPrefix(path, "/") || len(path) > 1024 || strings.ContainsAny(path, "?# ") || strings.Contains(path, "//") || strings.Contains(path, "/.") {
			d.at(at+".http."+path, "want a path that begins with /, got %q", path)
		}
		if port < 1 || port > 65535 {
			d.at(at+".http."+path, "want a port from 1 to 65535, got %d", port)
		}
	}
	if g.Name != "" && len(validation.IsDNS1123Label(g.Name)) > 0 {
		d.at(at+".name", "want lower case letters, digits and hyphens, got %q", g.Name)
	}
	if g.ExistingServiceName != "" {
		d.objectName(at+".existingServiceName", g.ExistingServiceName)
	}
	d.labels(at+".labels", g.Labels)
	d.annotations(at+".annotations", g.Annotations)
	for key, given := range map[string]bool{"class": g.Class != "", "secretName": g.SecretName != "", "gatewayHost": g.GatewayHost != ""} {
		if given {
			d.warn(d.line(at+"."+key), at+"."+key, "not used: requests come in through Gateway hydra, over plain HTTP")
		}
	}
}

func (d *decoder) expose(e *Expose, at string) {
	if len(e.Port) == 0 && len(e.Ports) == 0 {
		d.at(at, "want port or ports")
	}
	seen := map[string]bool{}
	for i, p := range e.Port {
		key := fmt.Sprint(p, "TCP")
		if seen[key] {
			d.at(fmt.Sprintf("%s.port[%d]", at, i), "port %d is there twice", p)
		}
		seen[key] = true
	}
	for i, p := range e.Ports {
		field := fmt.Sprintf("%s.ports[%d]", at, i)
		key := fmt.Sprint(p.Port, p.Protocol)
		if seen[key] {
			d.at(field+".port", "port %d %s is there twice", p.Port, p.Protocol)
		}
		seen[key] = true
		if p.Name != "" && len(validation.IsDNS1123Label(p.Name)) > 0 {
			d.at(field+".name", "want lower case letters, digits and hyphens, got %q", p.Name)
		}
	}
	d.annotations(at+".annotations", e.Annotations)
}

func (d *decoder) env(e *Env, at string) {
	own := e.Env != nil || e.Unset != nil || e.ContainerName != "" || e.Replace
	if own == (len(e.Containers) > 0) {
		d.at(at, "want either env, unset and replace, or containers")
	}
	patches := map[string]EnvPatch{at: e.EnvPatch}
	for i, p := range e.Containers {
		patches[fmt.Sprintf("%s.containers[%d]", at, i)] = p
	}
	for field, p := range patches {
		for name := range p.Env {
			d.envName(field+".env."+name, name)
		}
	}
}
