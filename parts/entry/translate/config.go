// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// object is a JSON object. Its keys are written in order, so that the same
// routes give the same bytes.
type object = map[string]any

// Base writes the configuration that Caddy is started with. It has no routes
// of its own: the handler hydra_routes answers for every host that the
// matcher hydra_hosts knows.
func Base(opts Options) ([]byte, error) {
	app := object{
		"listen":              []string{cmp.Or(opts.Socket, opts.Listen)},
		"protocols":           []string{"h1", "h2c"},
		"automatic_https":     object{"disable": true},
		"read_header_timeout": "10s",
		// The subroute is there for its name: it is the label handler of the
		// metrics, which those who read them select by.
		"routes": []any{object{
			"match":  []any{object{"hydra_hosts": object{}}},
			"handle": []any{object{"handler": "subroute", "routes": []any{object{"handle": []any{object{"handler": "hydra_routes"}}}}}},
		}},
		"errors": object{"routes": errorRoutes(opts)},
	}
	if opts.AccessLog {
		app["logs"] = object{}
	}
	servers := object{"apps": app}
	// The matcher lets known hosts pass only, and by their own name, so the
	// label host has as many values as there are hosts.
	http := object{"servers": servers, "grace_period": grace, "metrics": object{"per_host": true, "observe_catchall_hosts": true}}
	if opts.MetricsListen != "" {
		servers["metrics"] = object{
			"listen": []string{cmp.Or(opts.MetricsSocket, opts.MetricsListen)}, "protocols": []string{"h1"},
			"automatic_https": object{"disable": true}, "read_header_timeout": "10s",
			// An error route, because those are not counted themselves.
			"routes": []any{object{"handle": []any{object{"handler": "error", "status_code": 404}}}},
			"errors": object{"routes": []any{
				object{"match": []any{object{"path": []string{"/metrics"}}}, "handle": []any{object{"handler": "metrics"}}},
				object{"handle": []any{text(404, "Metrics are at /metrics.\n")}},
			}},
		}
	}
	log := object{"level": "WARN"}
	if !opts.AccessLog {
		// An error of an app is the app's to log, and that the admin
		// endpoint is off is no news.
		log["exclude"] = []string{"admin", "http.log.error"}
	}
	return write(object{
		"admin":   object{"disabled": true, "config": object{"persist": false}},
		"logging": object{"logs": object{"default": log}},
		"storage": object{"module": "file_system", "root": opts.DataDir},
		"apps":    object{"http": http},
	})
}

// grace is how long requests may take to finish when Caddy stops.
const grace = "10s"

// Table is what the entry does for the routes of the cluster.
type Table struct {
	Hosts   []string        // known hosts, exact names first; "" stands for any
	Handler json.RawMessage // configuration of a handler "subroute"
}

// Routes writes the table for the routes and says of each what became of it.
// knows reports whether a Service has a port; it decides nothing but the
// condition ResolvedRefs, because a Service may come later and its requests
// are held until then.
func Routes(opts Options, routes []*gateway.HTTPRoute, knows func(Backend) bool) (Table, []Verdict, error) {
	verdicts := judge(routes, knows)
	hosts := map[string][]entry{}
	for _, v := range verdicts {
		if !v.Served() {
			continue
		}
		for _, e := range entries(v.Route, opts) {
			for _, h := range hostnames(v.Route) {
				hosts[h] = append(hosts[h], e)
			}
		}
	}
	t := Table{Hosts: inOrder(hosts)}
	served := []any{}
	for _, h := range t.Hosts {
		served = append(served, hostRoute(h, hosts[h]))
	}
	var err error
	t.Handler, err = write(object{"handler": "subroute", "routes": served})
	return t, verdicts, err
}

func write(o object) ([]byte, error) {
	b, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return b, nil
}

// anyHost stands for a route without hostnames.
const anyHost = ""

func hostnames(r *gateway.HTTPRoute) []string {
	if len(r.Spec.Hostnames) == 0 {
		return []string{anyHost}
	}
	var out []string
	for _, h := range r.Spec.Hostnames {
		if name := strings.ToLower(string(h)); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// inOrder gives exact names first, then wildcards from the longest to the
// shortest, then the route for any host.
func inOrder(hosts map[string][]entry) []string {
	out := make([]string, 0, len(hosts))
	for h := range hosts {
		out = append(out, h)
	}
	rank := func(h string) int {
		switch {
		case h == anyHost:
			return 2
		case strings.HasPrefix(h, "*."):
			return 1
		}
		return 0
	}
	slices.SortFunc(out, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		if d := len(b) - len(a); d != 0 && rank(a) == 1 {
			return d
		}
		return strings.Compare(a, b)
	})
	return out
}

func hostRoute(host string, es []entry) object {
	slices.SortStableFunc(es, precedence)
	var inner []any
	for _, e := range es {
		r := object{"handle": e.handle, "terminal": true}
		if len(e.match) > 0 {
			r["match"] = []any{e.match}
		}
		inner = append(inner, r)
	}
	inner = append(inner, object{"handle": []any{text(404, "No route of {http.request.host} leads to {http.request.uri.path}.\n")}})
	route := object{"handle": []any{object{"handler": "subroute", "routes": inner}}, "terminal": true}
	switch {
	case host == anyHost:
	case strings.HasPrefix(host, "*."):
		// Caddy's wildcard stands for one label, the Gateway API's for any number.
		pattern := "(?i)^[^:]+" + regexp.QuoteMeta(host[1:]) + "(:[0-9]+)?$"
		route["match"] = []any{object{"header_regexp": object{"Host": object{"pattern": pattern}}}}
	default:
		route["match"] = []any{object{"host": []string{host}}}
	}
	return route
}

func errorRoutes(opts Options) []any {
	on := func(status, body string) object {
		return object{
			"match":  []any{object{"vars": object{"{http.error.status_code}": []string{status}}}},
			"handle": []any{textStatus(status, body)},
		}
	}
	return []any{
		on("404", "No app answers at {http.request.host}.\nThe address of an app is shown by `hydra app list`.\n"),
		on("503", fmt.Sprintf("No instance of the app at {http.request.host} took the request within %s.\nIt is starting, unhealthy or scaled to zero.\n", opts.Hold)),
		on("502", "The app at {http.request.host} ended the connection without an answer.\n"),
		on("504", "The app at {http.request.host} did not answer in time.\n"),
		object{"handle": []any{textStatus("{http.error.status_code}", "{http.error.status_code} {http.error.status_text}\n")}},
	}
}

func text(status int, body string) object { return textStatus(fmt.Sprint(status), body) }

func textStatus(status, body string) object {
	return object{
		"handler": "static_response", "status_code": status, "body": body,
		"headers": object{"Content-Type": []string{"text/plain; charset=utf-8"}, "X-Content-Type-Options": []string{"nosniff"}},
	}
}
