// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/hydra-platform/hydra/services/deployer/oam"
)

// port is a port of a container and, where exposed, of its Service.
type port struct {
	name     string
	port     int32 // of the Service
	target   int32 // of the container
	protocol corev1.Protocol
	exposed  bool
	node     int32
}

// portsOf lists a webservice's ports, named as KubeVela names them.
func portsOf(w *oam.Webservice) []port {
	if len(w.Ports) == 0 {
		if w.Port == 0 {
			return nil
		}
		return []port{{name: portName(w.Port, "TCP"), port: w.Port, target: w.Port, protocol: corev1.ProtocolTCP}}
	}
	var out []port
	for _, p := range w.Ports {
		target := p.ContainerPort
		if target == 0 {
			target = p.Port
		}
		name := p.Name
		if name == "" {
			name = portName(target, p.Protocol)
		}
		out = append(out, port{name, p.Port, target, corev1.Protocol(p.Protocol), p.Expose, p.NodePort})
	}
	return out
}

func portName(n int32, protocol string) string {
	name := fmt.Sprintf("port-%d", n)
	if protocol != "TCP" {
		name += "-" + strings.ToLower(protocol)
	}
	return name
}

// serving is the container's port that tells whether it takes requests: the
// one that is exposed, or the one that a route or Service leads to; 0: none.
func (r *renderer) serving(ports []port) int32 {
	for _, p := range ports {
		if p.exposed && p.protocol == corev1.ProtocolTCP {
			return p.target
		}
	}
	for _, g := range oam.TraitsOf[oam.Gateway](r.component) {
		if g.ExistingServiceName == "" {
			for _, path := range slices.Sorted(maps.Keys(g.HTTP)) {
				return target(ports, g.HTTP[path])
			}
		}
	}
	for _, e := range oam.TraitsOf[oam.Expose](r.component) {
		if len(e.Port) > 0 {
			return target(ports, e.Port[0])
		}
		for _, p := range e.Ports {
			if p.Protocol == "TCP" {
				return target(ports, p.Port)
			}
		}
	}
	return 0
}

// target is the container's port behind a port of the Service.
func target(ports []port, n int32) int32 {
	for _, p := range ports {
		if p.port == n {
			return p.target
		}
	}
	return n
}

// network renders the component's Service and routes: one Service with all
// ports that the component, the trait expose and the trait gateway ask for.
func (r *renderer) network(ports []port, kind corev1.ServiceType) error {
	service := corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: r.component.Name, Namespace: r.in.namespace(), Labels: r.labels()},
		Spec:       corev1.ServiceSpec{Selector: r.selector(), Type: kind},
	}
	if kind == "" {
		service.Spec.Type = corev1.ServiceTypeClusterIP
	}
	expose := func(p port) {
		if slices.ContainsFunc(service.Spec.Ports, func(s corev1.ServicePort) bool { return s.Port == p.port && s.Protocol == p.protocol }) {
			return
		}
		if slices.ContainsFunc(service.Spec.Ports, func(s corev1.ServicePort) bool { return s.Name == p.name }) {
			p.name = fmt.Sprintf("%s-%d", p.name, p.port)
		}
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{
			Name: p.name, Port: p.port, TargetPort: intstr.FromInt32(p.target), Protocol: p.protocol, NodePort: p.node,
		})
	}
	for _, p := range ports {
		if p.exposed {
			expose(p)
		}
	}
	for _, e := range oam.TraitsOf[oam.Expose](r.component) {
		service.Annotations = maps.Clone(e.Annotations)
		service.Spec.Type = corev1.ServiceType(e.Type)
		if len(e.MatchLabels) > 0 {
			service.Spec.Selector = maps.Clone(e.MatchLabels)
		}
		for _, n := range e.Port {
			expose(port{name: portName(n, "TCP"), port: n, target: target(ports, n), protocol: corev1.ProtocolTCP})
		}
		for _, p := range e.Ports {
			name := p.Name
			if name == "" {
				name = portName(p.Port, p.Protocol)
			}
			expose(port{name: name, port: p.Port, target: target(ports, p.Port), protocol: corev1.Protocol(p.Protocol), node: p.NodePort})
		}
	}
	for _, g := range oam.TraitsOf[oam.Gateway](r.component) {
		if g.ExistingServiceName == "" {
			for _, path := range slices.Sorted(maps.Keys(g.HTTP)) {
				n := g.HTTP[path]
				expose(port{name: portName(n, "TCP"), port: n, target: target(ports, n), protocol: corev1.ProtocolTCP})
			}
		}
		if err := r.route(g); err != nil {
			return err
		}
	}
	if len(service.Spec.Ports) == 0 {
		return nil
	}
	return r.add(service, false)
}

// route renders the HTTPRoute of a gateway trait.
func (r *renderer) route(g *oam.Gateway) error {
	host := g.Domain
	if host == "" {
		host = r.in.Host()
	}
	if err := r.ownHost(host); err != nil {
		return err
	}
	r.hosts = append(r.hosts, host)
	name, backend := r.component.Name, r.component.Name
	if g.Name != "" {
		name += "-" + g.Name
	}
	if g.ExistingServiceName != "" {
		backend = g.ExistingServiceName
	}
	labels := maps.Clone(g.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, r.labels())
	match := gatewayv1.PathMatchPathPrefix
	if g.PathType == "Exact" {
		match = gatewayv1.PathMatchExact
	}
	space := gatewayv1.Namespace(r.in.Options.GatewaySpace)
	route := gatewayv1.HTTPRoute{
		TypeMeta:   metav1.TypeMeta{APIVersion: gatewayv1.GroupVersion.String(), Kind: "HTTPRoute"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: r.in.namespace(), Labels: labels, Annotations: maps.Clone(g.Annotations)},
		Spec: gatewayv1.HTTPRouteSpec{
			CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{
				{Name: gatewayv1.ObjectName(r.in.Options.GatewayName), Namespace: &space},
			}},
			Hostnames: []gatewayv1.Hostname{gatewayv1.Hostname(host)},
		},
	}
	paths := slices.Sorted(maps.Keys(g.HTTP))
	slices.Reverse(paths) // the longer of two that begin alike comes first
	for _, path := range paths {
		n := g.HTTP[path]
		route.Spec.Rules = append(route.Spec.Rules, gatewayv1.HTTPRouteRule{
			Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: &match, Value: &path}}},
			BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{
				BackendObjectReference: gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(backend), Port: &n},
			}}},
		})
	}
	return r.add(route, false)
}

// ownHost refuses the host names that belong to other projects: everything
// below the platform's domain that does not end in this project's name.
func (r *renderer) ownHost(host string) error {
	suffix := "." + r.in.Options.Domain
	own := "." + r.in.Project + suffix
	if host == r.in.Options.Domain || strings.HasSuffix(host, suffix) && !strings.HasSuffix(host, own) {
		return r.errorf("host %s is not this project's; names below %s end in %s", host, r.in.Options.Domain, own)
	}
	return nil
}
