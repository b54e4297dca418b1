// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hydra-platform/hydra/events/record"
)

const base = "/api/v1"

// list is how every list is answered.
type list[T any] struct {
	Items []T `json:"items"`
	Total int `json:"total"`
}

// Identity is who a token belongs to.
type Identity struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Admin    bool     `json:"admin"`
	Projects []string `json:"projects"`
}

// Whoami says who the client's token belongs to.
func (c *Client) Whoami(ctx context.Context) (Identity, error) {
	return get[Identity](ctx, c, "/whoami", nil)
}

// Project is a tenant.
type Project struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Namespace   string    `json:"namespace"`
	CreatedAt   time.Time `json:"createdAt"`
}

// Projects lists those that the token may use.
func (c *Client) Projects(ctx context.Context) ([]Project, error) {
	return items[Project](ctx, c, "/projects", limit(1000))
}

// CreateProject creates a tenant.
func (c *Client) CreateProject(ctx context.Context, name, description string) (p Project, err error) {
	return p, c.do(ctx, http.MethodPost, base+"/projects", nil, map[string]string{"name": name, "description": description}, &p)
}

// DeleteProject removes a tenant with all it owns.
func (c *Client) DeleteProject(ctx context.Context, name string) error {
	return c.do(ctx, http.MethodDelete, base+project(name), nil, nil, nil)
}

// AppRequest is the whole wanted state of an app.
type AppRequest struct {
	Repository string `json:"repository,omitempty"`
	Branch     string `json:"branch,omitempty"`
	Path       string `json:"path,omitempty"`
	Spec       string `json:"spec,omitempty"`
}

// Apps of a project.
func (c *Client) Apps(ctx context.Context, p string) ([]record.App, error) {
	return items[record.App](ctx, c, project(p)+"/apps", limit(1000))
}

// App returns one app.
func (c *Client) App(ctx context.Context, p, name string) (record.App, error) {
	return get[record.App](ctx, c, app(p, name), nil)
}

// PutApp creates or changes an app.
func (c *Client) PutApp(ctx context.Context, p, name string, want AppRequest) (a record.App, err error) {
	return a, c.do(ctx, http.MethodPut, base+app(p, name), nil, want, &a)
}

// DeleteApp removes an app and its objects.
func (c *Client) DeleteApp(ctx context.Context, p, name string) error {
	return c.do(ctx, http.MethodDelete, base+app(p, name), nil, nil, nil)
}

// Scale fixes the number of replicas; nil gives it back to the policy.
func (c *Client) Scale(ctx context.Context, p, name string, replicas *int) error {
	body := map[string]int{}
	if replicas != nil {
		body["replicas"] = *replicas
	}
	return c.do(ctx, http.MethodPost, base+app(p, name)+"/scale", nil, body, nil)
}

// Decisions of the scaler for an app, newest first.
func (c *Client) Decisions(ctx context.Context, p, name string) (record.ScaleTarget, error) {
	return get[record.ScaleTarget](ctx, c, app(p, name)+"/decisions", nil)
}

// Releases of an app, newest first.
func (c *Client) Releases(ctx context.Context, p, name string) ([]record.Release, error) {
	return items[record.Release](ctx, c, app(p, name)+"/releases", limit(1000))
}

// Rollback asks for an earlier release; 0 is the last healthy one.
func (c *Client) Rollback(ctx context.Context, p, name string, revision int) error {
	body := map[string]int{}
	if revision > 0 {
		body["revision"] = revision
	}
	return c.do(ctx, http.MethodPost, base+app(p, name)+"/rollback", nil, body, nil)
}

// get reads one thing.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (v T, err error) {
	return v, c.do(ctx, http.MethodGet, base+path, query, nil, &v)
}

// items reads a list.
func items[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	l, err := get[list[T]](ctx, c, path, query)
	if l.Items == nil {
		l.Items = []T{}
	}
	return l.Items, err
}

func project(name string) string { return "/projects/" + url.PathEscape(name) }
func app(p, name string) string  { return project(p) + "/apps/" + url.PathEscape(name) }
func limit(n int) url.Values     { return url.Values{"limit": {strconv.Itoa(n)}} }
