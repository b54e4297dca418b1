// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// Backend is a port of a Service.
type Backend struct {
	Namespace, Name string
	Port            int32
}

// String is the key under which the backend's addresses are known.
func (b Backend) String() string { return fmt.Sprintf("%s/%s:%d", b.Namespace, b.Name, b.Port) }

// Finding is the value of one condition.
type Finding struct {
	OK      bool
	Reason  string
	Message string
}

// Verdict says what became of one route.
type Verdict struct {
	Route    *gateway.HTTPRoute
	Parents  []gateway.ParentReference // that mean this entry
	Accepted Finding
	Resolved Finding
}

// Served reports whether the route is part of the configuration.
func (v Verdict) Served() bool { return v.Accepted.OK }

// Refuse returns the verdict with the route left out for a reason found later.
func (v Verdict) Refuse(message string) Verdict {
	v.Accepted = Finding{Reason: string(gateway.RouteReasonUnsupportedValue), Message: message}
	return v
}

// judge gives a verdict on each route that names this entry's Gateway, from
// the oldest route to the newest.
func judge(routes []*gateway.HTTPRoute, knows func(Backend) bool) []Verdict {
	routes = slices.Clone(routes)
	slices.SortFunc(routes, func(a, b *gateway.HTTPRoute) int { return strings.Compare(age(a), age(b)) })
	owner := map[string]string{} // of a hostname: the namespace of its oldest route
	var out []Verdict
	for _, r := range routes {
		v := Verdict{Route: r}
		for _, p := range r.Spec.ParentRefs {
			if names(r, p) {
				v.Parents = append(v.Parents, p)
			}
		}
		if len(v.Parents) == 0 {
			continue
		}
		v.Resolved = resolved(r, knows)
		v.Accepted = Finding{OK: true, Reason: string(gateway.RouteReasonAccepted), Message: "the entry serves this route"}
		if err := unsupported(r); err != nil {
			v = v.Refuse(err.Error())
		}
		for _, h := range hostnames(r) {
			if !v.Accepted.OK {
				break
			}
			// Hosts are not shared between tenants: a newer route of another
			// namespace could take over some paths of an app.
			if ns, taken := owner[h]; taken && ns != r.Namespace {
				v.Accepted = Finding{Reason: string(gateway.RouteReasonNotAllowedByListeners),
					Message: fmt.Sprintf("hostname %q belongs to a route of another namespace; use another hostname", h)}
			}
		}
		if v.Accepted.OK {
			for _, h := range hostnames(r) {
				owner[h] = r.Namespace
			}
		}
		out = append(out, v)
	}
	return out
}

// names reports whether a parent reference of a route means this entry.
func names(r *gateway.HTTPRoute, p gateway.ParentReference) bool {
	namespace := r.Namespace
	if p.Namespace != nil {
		namespace = string(*p.Namespace)
	}
	return (p.Group == nil || *p.Group == gateway.GroupName) && (p.Kind == nil || *p.Kind == "Gateway") &&
		string(p.Name) == GatewayName && namespace == GatewayNamespace &&
		(p.SectionName == nil || *p.SectionName == ListenerName)
}

// unsupported names the first field that this entry does not do.
func unsupported(r *gateway.HTTPRoute) error {
	for i, rule := range r.Spec.Rules {
		if err := unsupportedRule(rule); err != nil {
			return fmt.Errorf("spec.rules[%d].%w", i, err)
		}
	}
	return nil
}

func unsupportedRule(rule gateway.HTTPRouteRule) error {
	switch {
	case rule.Timeouts != nil:
		return errors.New("timeouts is not supported")
	case rule.Retry != nil:
		return errors.New("retry is not supported")
	case rule.SessionPersistence != nil:
		return errors.New("sessionPersistence is not supported")
	}
	for i, m := range rule.Matches {
		if t := pathType(m.Path); t != gateway.PathMatchExact && t != gateway.PathMatchPathPrefix {
			return fmt.Errorf("matches[%d].path.type %s is not supported; use Exact or PathPrefix", i, t)
		}
		if len(m.QueryParams) > 0 {
			return fmt.Errorf("matches[%d].queryParams is not supported", i)
		}
		for j, h := range m.Headers {
			if h.Type != nil && *h.Type != gateway.HeaderMatchExact {
				return fmt.Errorf("matches[%d].headers[%d].type %s is not supported; use Exact", i, j, *h.Type)
			}
		}
	}
	for i, f := range rule.Filters {
		if err := unsupportedFilter(f); err != nil {
			return fmt.Errorf("filters[%d].%w", i, err)
		}
	}
	for i, ref := range rule.BackendRefs {
		if len(ref.Filters) > 0 {
			return fmt.Errorf("backendRefs[%d].filters is not supported; put them on the rule", i)
		}
	}
	return nil
}

func unsupportedFilter(f gateway.HTTPRouteFilter) error {
	switch {
	case f.Type == gateway.HTTPRouteFilterRequestHeaderModifier && f.RequestHeaderModifier != nil:
		m := f.RequestHeaderModifier
		for _, h := range slices.Concat(m.Set, m.Add) {
			// Caddy replaces {placeholders}, which could read the machine's
			// environment and files into a tenant's request.
			if strings.ContainsAny(string(h.Name)+h.Value, "{}") {
				return fmt.Errorf("requestHeaderModifier: the value of %s contains a brace, which is not supported", h.Name)
			}
		}
		for _, name := range m.Remove {
			if strings.ContainsAny(name, "{}*") {
				return fmt.Errorf("requestHeaderModifier.remove: %q is not the name of a header", name)
			}
		}
		return nil
	case f.Type == gateway.HTTPRouteFilterRequestRedirect && f.RequestRedirect != nil:
		p := f.RequestRedirect.Path
		if p != nil && (p.Type != gateway.FullPathHTTPPathModifier || p.ReplaceFullPath == nil) {
			return fmt.Errorf("requestRedirect.path.type %s is not supported; use ReplaceFullPath", p.Type)
		}
		if p != nil && strings.ContainsAny(*p.ReplaceFullPath, "{}") {
			return errors.New("requestRedirect.path.replaceFullPath contains a brace, which is not supported")
		}
		return nil
	}
	return fmt.Errorf("type %s is not supported; use RequestHeaderModifier or RequestRedirect", f.Type)
}

// resolved judges the references of a route to its backends.
func resolved(r *gateway.HTTPRoute, knows func(Backend) bool) Finding {
	for i, rule := range r.Spec.Rules {
		for j, ref := range rule.BackendRefs {
			where := fmt.Sprintf("spec.rules[%d].backendRefs[%d]", i, j)
			if f := refProblem(r, ref); f != nil {
				f.Message = where + ": " + f.Message
				return *f
			}
			if b := backendOf(r, ref); !knows(b) {
				return Finding{Reason: string(gateway.RouteReasonBackendNotFound),
					Message: fmt.Sprintf("%s: namespace %s has no Service %s with port %d; requests wait for it", where, b.Namespace, b.Name, b.Port)}
			}
		}
	}
	return Finding{OK: true, Reason: string(gateway.RouteReasonResolvedRefs), Message: "all backends are known"}
}

// refProblem says why a reference can never be served, or nil.
func refProblem(r *gateway.HTTPRoute, ref gateway.HTTPBackendRef) *Finding {
	switch {
	case ref.Group != nil && *ref.Group != "" || ref.Kind != nil && *ref.Kind != "Service":
		return &Finding{Reason: string(gateway.RouteReasonInvalidKind), Message: "the backend is not a Service"}
	case ref.Namespace != nil && string(*ref.Namespace) != r.Namespace:
		return &Finding{Reason: string(gateway.RouteReasonRefNotPermitted), Message: fmt.Sprintf("Service %s is in another namespace, which is not permitted", ref.Name)}
	case ref.Port == nil:
		return &Finding{Reason: string(gateway.RouteReasonBackendNotFound), Message: fmt.Sprintf("Service %s: port is missing", ref.Name)}
	}
	return nil
}

func backendOf(r *gateway.HTTPRoute, ref gateway.HTTPBackendRef) Backend {
	return Backend{Namespace: r.Namespace, Name: string(ref.Name), Port: int32(*ref.Port)}
}
