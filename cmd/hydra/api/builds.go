// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tmaxmax/go-sse"

	"github.com/hydra-platform/hydra/events/record"
)

// Builds of an app, or of the whole project without one, newest first.
func (c *Client) Builds(ctx context.Context, p, name string) ([]record.Build, error) {
	path := project(p)
	if name != "" {
		path = app(p, name)
	}
	return items[record.Build](ctx, c, path+"/builds", limit(1000))
}

// Build returns one build.
func (c *Client) Build(ctx context.Context, p, id string) (record.Build, error) {
	return get[record.Build](ctx, c, project(p)+"/builds/"+url.PathEscape(id), nil)
}

// RequestBuild asks for a commit to be built; empty is the newest one.
func (c *Client) RequestBuild(ctx context.Context, p, name, sha string) error {
	body := map[string]string{}
	if sha != "" {
		body["sha"] = sha
	}
	return c.do(ctx, http.MethodPost, base+app(p, name)+"/builds", nil, body, nil)
}

// LogLine is one line of a build, a test or a pod.
type LogLine struct {
	Time      time.Time `json:"time,omitzero"`
	Pod       string    `json:"pod,omitempty"`
	Container string    `json:"container,omitempty"`
	Text      string    `json:"text"`
	// Notice says that the text is about the log rather than from it.
	Notice bool `json:"notice,omitempty"`
}

// BuildLog reads the log of a build; kind is build or test.
func (c *Client) BuildLog(ctx context.Context, p, id, kind string, follow bool, f func(LogLine) error) error {
	query := url.Values{"kind": {kind}, "follow": {strconv.FormatBool(follow)}}
	return c.lines(ctx, project(p)+"/builds/"+url.PathEscape(id)+"/logs", query, f)
}

// AppLog reads the logs of an app's pods.
func (c *Client) AppLog(ctx context.Context, p, name string, tail int, since string, follow bool, f func(LogLine) error) error {
	query := url.Values{"tail": {strconv.Itoa(tail)}, "follow": {strconv.FormatBool(follow)}}
	if since != "" {
		query.Set("since", since)
	}
	return c.lines(ctx, app(p, name)+"/logs", query, f)
}

func (c *Client) lines(ctx context.Context, path string, query url.Values, f func(LogLine) error) error {
	return c.stream(ctx, base+path, query, "", func(ev sse.Event) error {
		switch ev.Type {
		case "line", "notice":
			l := LogLine{Notice: ev.Type == "notice"}
			if err := json.Unmarshal([]byte(ev.Data), &l); err != nil {
				return fmt.Errorf("read log line: %w", err)
			}
			return f(l)
		case "error":
			return streamProblem(ev.Data)
		}
		return nil
	})
}

// streamProblem is what a stream says when it breaks off.
func streamProblem(data string) error {
	p := &Problem{Title: "the stream broke off"}
	_ = json.Unmarshal([]byte(data), p) // without one the title stands
	return p
}
