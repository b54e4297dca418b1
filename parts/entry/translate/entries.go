// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// entry is one match of one rule of a route, with what makes it come before
// another one.
type entry struct {
	match  object
	handle []any

	exact   bool
	path    int // length of the path
	method  bool
	headers int
	age     string // creation, namespace and name
}

// precedence orders entries of one host as the Gateway API says: exact path,
// longest prefix, method, most headers, oldest route, name. Rules of one route
// keep their order, because the sort is stable.
func precedence(a, b entry) int {
	return cmp.Or(
		yes(b.exact)-yes(a.exact), b.path-a.path, yes(b.method)-yes(a.method), b.headers-a.headers,
		strings.Compare(a.age, b.age),
	)
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

func entries(r *gateway.HTTPRoute, opts Options) []entry {
	var out []entry
	for _, rule := range r.Spec.Rules {
		handle := handlers(r, rule, opts)
		matches := rule.Matches
		if len(matches) == 0 {
			matches = []gateway.HTTPRouteMatch{{}}
		}
		for _, m := range matches {
			e := newEntry(m)
			e.handle, e.age = handle, age(r)
			out = append(out, e)
		}
	}
	return out
}

// age sorts routes from the oldest to the newest.
func age(r *gateway.HTTPRoute) string {
	return r.CreationTimestamp.UTC().Format("20060102150405") + "/" + r.Namespace + "/" + r.Name
}

func newEntry(m gateway.HTTPRouteMatch) entry {
	e := entry{match: object{}}
	// Caddy's own path matcher ignores case; the Gateway API does not.
	switch value := pathValue(m.Path); {
	case pathType(m.Path) == gateway.PathMatchExact:
		e.exact, e.path = true, len(value)
		e.match["path_regexp"] = object{"pattern": "^" + regexp.QuoteMeta(value) + "$"}
	default:
		prefix := strings.TrimRight(value, "/")
		e.path = len(prefix)
		if prefix != "" {
			e.match["path_regexp"] = object{"pattern": "^" + regexp.QuoteMeta(prefix) + "(/|$)"}
		}
	}
	if m.Method != nil {
		e.method = true
		e.match["method"] = []string{string(*m.Method)}
	}
	fields := object{}
	for _, h := range m.Headers {
		name := strings.ToLower(string(h.Name))
		if _, twice := fields[name]; !twice { // of two matches of one header the first counts
			fields[name] = object{"pattern": "^" + regexp.QuoteMeta(h.Value) + "$"}
		}
	}
	if e.headers = len(fields); e.headers > 0 {
		e.match["header_regexp"] = fields
	}
	return e
}

func pathType(p *gateway.HTTPPathMatch) gateway.PathMatchType {
	if p == nil || p.Type == nil {
		return gateway.PathMatchPathPrefix
	}
	return *p.Type
}

func pathValue(p *gateway.HTTPPathMatch) string {
	if p == nil || p.Value == nil {
		return "/"
	}
	return *p.Value
}

// handlers is what a rule does with a request that it matches.
func handlers(r *gateway.HTTPRoute, rule gateway.HTTPRouteRule, opts Options) []any {
	headers := object{}
	for _, f := range rule.Filters {
		switch f.Type {
		case gateway.HTTPRouteFilterRequestRedirect:
			return []any{redirect(f.RequestRedirect, opts)}
		case gateway.HTTPRouteFilterRequestHeaderModifier:
			headers = requestHeaders(f.RequestHeaderModifier)
		}
	}
	var backends []object
	for _, ref := range rule.BackendRefs {
		if refProblem(r, ref) == nil && weight(ref) > 0 {
			backends = append(backends, object{"service": backendOf(r, ref).String(), "weight": weight(ref)})
		}
	}
	if len(backends) == 0 {
		return []any{text(500, fmt.Sprintf("The route %s/%s of {http.request.host} leads to no Service.\n", r.Namespace, r.Name))}
	}
	proxy := object{
		"handler":           "reverse_proxy",
		"dynamic_upstreams": object{"source": "hydra_endpoints", "backends": backends, "hold": opts.Hold.String()},
		"load_balancing": object{
			"selection_policy": object{"policy": "least_conn"},
			"try_duration":     opts.Hold.String(),
			"try_interval":     "25ms",
			// A request whose connection was never made is always tried
			// again; these also when the connection broke.
			"retry_match": []any{object{"method": []string{"GET", "HEAD", "OPTIONS"}}},
		},
		"transport": object{
			"protocol": "http", "dial_timeout": "1s",
			"keep_alive": object{"idle_timeout": "30s", "max_idle_conns_per_host": 64},
		},
	}
	if len(headers) > 0 {
		proxy["headers"] = object{"request": headers}
	}
	return []any{proxy}
}

func weight(ref gateway.HTTPBackendRef) int32 {
	if ref.Weight == nil {
		return 1
	}
	return *ref.Weight
}

func requestHeaders(f *gateway.HTTPHeaderFilter) object {
	ops := object{}
	collect := func(hs []gateway.HTTPHeader) object {
		values := object{}
		for _, h := range hs {
			values[string(h.Name)] = []string{h.Value}
		}
		return values
	}
	if len(f.Set) > 0 {
		ops["set"] = collect(f.Set)
	}
	if len(f.Add) > 0 {
		ops["add"] = collect(f.Add)
	}
	if len(f.Remove) > 0 {
		ops["delete"] = f.Remove
	}
	return ops
}

func redirect(f *gateway.HTTPRequestRedirectFilter, opts Options) object {
	status, scheme, host, path := 302, "{http.request.scheme}", "{http.request.hostport}", "{http.request.uri}"
	if f.StatusCode != nil {
		status = *f.StatusCode
	}
	port := ""
	switch {
	case f.Port != nil:
		port = fmt.Sprint(*f.Port)
	case f.Scheme == nil && f.Hostname != nil:
		port = opts.port()
	}
	if f.Scheme != nil {
		scheme = *f.Scheme
	}
	if wellKnown := map[string]string{"https": "443"}; port == cmp.Or(wellKnown[scheme], "80") {
		port = ""
	}
	if f.Hostname != nil || f.Scheme != nil || f.Port != nil {
		host = "{http.request.host}"
		if f.Hostname != nil {
			host = string(*f.Hostname)
		}
		if port != "" {
			host += ":" + port
		}
	}
	if f.Path != nil && f.Path.ReplaceFullPath != nil {
		path = *f.Path.ReplaceFullPath + "{http.request.uri.prefixed_query}"
	}
	return object{
		"handler": "static_response", "status_code": fmt.Sprint(status),
		"headers": object{"Location": []string{scheme + "://" + host + path}},
	}
}
