// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/tmaxmax/go-sse"

	"github.com/hydra-platform/hydra/events/record"
)

// Query selects events of a project.
type Query struct {
	Types       []string // short names, such as build.finished
	App         string
	Correlation string
	Since       string // time or how long ago
	Until       string
	From        uint64 // first sequence
	Order       string // asc or desc
	Limit       int
}

func (q Query) values() url.Values {
	v := url.Values{}
	for name, s := range map[string]string{
		"type": strings.Join(q.Types, ","), "app": q.App, "correlation": q.Correlation, "since": q.Since, "until": q.Until, "order": q.Order,
	} {
		if s != "" {
			v.Set(name, s)
		}
	}
	if q.From > 0 {
		v.Set("from", strconv.FormatUint(q.From, 10))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

// Events of the history.
func (c *Client) Events(ctx context.Context, p string, q Query) ([]event.Event, error) {
	return items[event.Event](ctx, c, project(p)+"/events", q.values())
}

// Tail calls f for each event that is stored from now on, or from q.From, and
// goes on where it was when the connection breaks.
func (c *Client) Tail(ctx context.Context, p string, q Query, f func(event.Event) error) error {
	last := ""
	q.Since, q.Until, q.Order, q.Limit = "", "", "", 0 // a stream knows where to begin only by From
	for {
		err := c.stream(ctx, base+project(p)+"/events/stream", q.values(), last, func(ev sse.Event) error {
			if ev.LastEventID != "" {
				last = ev.LastEventID
			}
			if ev.Type == "error" {
				return streamProblem(ev.Data)
			}
			var e event.Event
			if err := json.Unmarshal([]byte(ev.Data), &e); err != nil {
				return fmt.Errorf("read event %s: %w", ev.LastEventID, err)
			}
			return f(e)
		})
		var refused *Problem
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &refused) && refused.Status/100 == 4, err != nil && last == "" && !errors.As(err, &refused):
			return err
		}
		var own *UnreachableError
		if err != nil && !errors.As(err, &own) && refused == nil {
			return err // f's own
		}
		select { // the gateway is being restarted
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// Published says what became of an event.
type Published struct {
	ID        string `json:"id"`
	Source    string `json:"source"`
	Sequence  string `json:"sequence"`
	Duplicate bool   `json:"duplicate"`
}

// Publish stores an event; its extension app files it under an app.
func (c *Client) Publish(ctx context.Context, p string, e event.Event) (Published, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return Published{}, fmt.Errorf("encode event: %w", err)
	}
	var out struct {
		Events []Published `json:"events"`
	}
	if err := c.do(ctx, http.MethodPost, base+project(p)+"/events", nil, raw{contentType: event.ApplicationCloudEventsJSON, data: data}, &out); err != nil {
		return Published{}, err
	}
	if len(out.Events) != 1 {
		return Published{}, fmt.Errorf("publish: the gateway answers for %d events instead of one", len(out.Events))
	}
	return out.Events[0], nil
}

// Type of event.
type Type struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Noun     string `json:"noun"`
	Verb     string `json:"verb"`
	Version  string `json:"version"`
	Standard bool   `json:"standard"`
}

// Types lists the event catalogue.
func (c *Client) Types(ctx context.Context) ([]Type, error) {
	return items[Type](ctx, c, "/types", nil)
}

// CreatePlan asks what would be created in AWS. The answer has phase queued
// when it takes longer than the gateway waits.
func (c *Client) CreatePlan(ctx context.Context, spec string) (p record.Plan, err error) {
	return p, c.do(ctx, http.MethodPost, base+"/clusters/plans", url.Values{"wait": {"20"}}, map[string]string{"spec": spec}, &p)
}

// Plan returns one plan.
func (c *Client) Plan(ctx context.Context, id string) (record.Plan, error) {
	return get[record.Plan](ctx, c, "/clusters/plans/"+url.PathEscape(id), nil)
}

// Plans lists the plans that were made, newest first.
func (c *Client) Plans(ctx context.Context) ([]record.Plan, error) {
	return items[record.Plan](ctx, c, "/clusters/plans", limit(100))
}
