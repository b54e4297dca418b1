// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// APIVersion is the version of the REST API, not of the program.
const APIVersion = "1.0.0"

const (
	base        = "/api/v1"
	inProject   = base + "/projects/{project}"
	inApp       = inProject + "/apps/{app}"
	jsonType    = "application/json"
	eventStream = "text/event-stream"
	plainText   = "text/plain"
)

// List is how every list is answered.
type List[T any] struct {
	Items []T `json:"items" nullable:"false"`
	Total int `json:"total" doc:"How many there are, of which items holds at most limit"`
}

// list cuts items to limit.
func list[T any](items []T, limit int) List[T] {
	total := len(items)
	return List[T]{Items: append([]T{}, items[:min(limit, total)]...), Total: total}
}

// ok is an answer with a body.
type ok[T any] struct{ Body T }

// answered is an answer whose status depends on what happened.
type answered[T any] struct {
	Status int
	Body   T
}

// ProjectPath is the path of everything in a project.
type ProjectPath struct {
	Project string `path:"project" pattern:"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$" doc:"Name of the project"`
}

// AppPath is the path of everything about an app.
type AppPath struct {
	ProjectPath
	App string `path:"app" pattern:"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$" doc:"Name of the app"`
}

// Limited bounds a list.
type Limited struct {
	Limit int `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"Most items to answer with"`
}

// Accepted says that a request became an event which its service handles.
type Accepted struct {
	Accepted bool   `json:"accepted"`
	Message  string `json:"message" doc:"What happens now and how to follow it"`
}

// routes builds the mux and the OpenAPI document.
func (s *Service) routes() error {
	s.mux = http.NewServeMux()
	cfg := huma.DefaultConfig("Hydra", APIVersion)
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil // no $schema links in the answers
	cfg.Info.Description = "Projects, apps, builds, releases and the event history of a Hydra platform. " +
		"Every write becomes a CloudEvent; what a service makes of it is read back here. Errors are RFC 9457 problems."
	cfg.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "A token from `hydra up` or `hydra token create`"},
	}
	s.api = humago.New(s.mux, cfg)
	s.api.UseMiddleware(s.authenticate)

	s.routeProjects()
	s.routeApps()
	s.routeReleases()
	s.routeBuilds()
	s.routeSignals()
	s.routeEvents()
	s.routeJourneys()
	s.routeWebhooks()
	s.routeHooks()
	s.routeTokens()
	s.routePlans()
	s.routePlatform()
	s.routeProbes()

	s.describeErrors()
	document, err := json.MarshalIndent(s.api.OpenAPI(), "", "  ")
	if err != nil {
		return fmt.Errorf("write OpenAPI document: %w", err)
	}
	s.openapi = append(document, '\n')
	return nil
}

// OpenAPI returns the document that is served at /openapi.json.
func (s *Service) OpenAPI() []byte { return s.openapi }

// op describes one operation; what is common to all is filled in here.
func op(id, method, path, tag, summary string, need access, change ...func(*huma.Operation)) huma.Operation {
	o := huma.Operation{
		OperationID: id, Method: method, Path: path, Tags: []string{tag}, Summary: summary,
		Metadata: map[string]any{accessKey: need}, Security: []map[string][]string{{"token": {}}},
		RejectUnknownQueryParameters: true,
	}
	if need == public {
		o.Security = []map[string][]string{}
	}
	for _, c := range change {
		c(&o)
	}
	return o
}

func describe(text string) func(*huma.Operation) {
	return func(o *huma.Operation) { o.Description = text }
}

func status(code int) func(*huma.Operation) {
	return func(o *huma.Operation) { o.DefaultStatus = code }
}

// add registers a handler whose errors become problems and whose time is
// bounded.
func add[I, O any](s *Service, o huma.Operation, handler func(context.Context, *I) (*O, error)) {
	if o.MaxBodyBytes == 0 {
		o.MaxBodyBytes = s.cfg.BodyLimit
	}
	o.BodyReadTimeout = s.cfg.RequestTimeout
	huma.Register(s.api, o, func(ctx context.Context, in *I) (*O, error) {
		ctx, cancel := s.bounded(ctx)
		defer cancel()
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.explain(ctx, err)
		}
		return out, nil
	})
}

// describeErrors gives each operation the answer that any error has, and
// those with two ways to succeed the second one.
func (s *Service) describeErrors() {
	document := s.api.OpenAPI()
	schema := document.Components.Schemas.Schema(typeOf[huma.ErrorModel](), true, "ErrorModel")
	for _, item := range document.Paths {
		for _, o := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch} {
			if o == nil {
				continue
			}
			o.Responses["default"] = &huma.Response{
				Description: "A problem",
				Content:     map[string]*huma.MediaType{problemType: {Schema: schema}},
			}
		}
	}
}

// also documents a second status with the same body as the first.
func (s *Service) also(method, path string, code int, description string) {
	item := s.api.OpenAPI().Paths[path]
	o := map[string]*huma.Operation{http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodDelete: item.Delete}[method]
	first := o.Responses[fmt.Sprint(o.DefaultStatus)]
	second := &huma.Response{Description: description}
	if first != nil {
		second.Content = first.Content
	}
	o.Responses[fmt.Sprint(code)] = second
}

// routeProbes adds what operators ask: is it alive, is it ready, how is it.
func (s *Service) routeProbes() {
	text := func(id, path, summary string, need access, handler http.HandlerFunc) {
		o := op(id, http.MethodGet, path, "platform", summary, need)
		o.Responses = map[string]*huma.Response{"200": {
			Description: "OK", Content: map[string]*huma.MediaType{plainText: {Schema: &huma.Schema{Type: huma.TypeString}}},
		}}
		s.plain(o, handler)
	}
	text("livez", "/livez", "The process is alive", public, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", plainText+"; charset=utf-8")
		_, _ = fmt.Fprintln(w, "ok")
	})
	text("readyz", "/readyz", "Requests can be answered", public, func(w http.ResponseWriter, r *http.Request) {
		if s.bus == nil || !s.js().Conn().IsConnected() {
			writeProblem(w, r, problem(http.StatusServiceUnavailable, "not connected to JetStream"))
			return
		}
		w.Header().Set("Content-Type", plainText+"; charset=utf-8")
		_, _ = fmt.Fprintln(w, "ok")
	})
	text("metrics", "/metrics", "Metrics of the process, for Prometheus", admins, func(w http.ResponseWriter, r *http.Request) {
		gatherer, ok := s.deps.Metrics.(prometheus.Gatherer)
		if !ok {
			writeProblem(w, r, problem(http.StatusNotFound, "this process keeps no metrics"))
			return
		}
		promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
	o := op("openapi", http.MethodGet, "/openapi.json", "platform", "This document", public)
	o.Responses = map[string]*huma.Response{"200": {
		Description: "OK", Content: map[string]*huma.MediaType{jsonType: {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}},
	}}
	s.plain(o, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(s.openapi)
	})
}

// plain registers a handler that reads the request itself. It is documented
// and guarded like every other operation.
func (s *Service) plain(o huma.Operation, handler http.HandlerFunc) {
	s.api.OpenAPI().AddOperation(&o)
	s.api.Adapter().Handle(&o, s.api.Middlewares().Handler(func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		handler(w, r.WithContext(ctx.Context()))
	}))
}
