// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/url"
	"time"
)

// Journey is a push, or a request, with what followed from it.
type Journey struct {
	Correlation string     `json:"correlation"`
	App         string     `json:"app"`
	Trigger     string     `json:"trigger"`
	Title       string     `json:"title,omitempty"`
	SHA         string     `json:"sha,omitempty"`
	Branch      string     `json:"branch,omitempty"`
	By          string     `json:"by,omitempty"`
	BuildID     string     `json:"buildId,omitempty"`
	Revision    int        `json:"revision,omitempty"`
	URL         string     `json:"url,omitempty"`
	Status      string     `json:"status"`
	Reason      string     `json:"reason,omitempty"`
	StartedAt   time.Time  `json:"startedAt"`
	EndedAt     *time.Time `json:"endedAt,omitempty"`
	Duration    float64    `json:"durationSeconds"`

	Stages []Stage `json:"stages,omitempty"` // of one journey only
	Steps  []Step  `json:"steps,omitempty"`  // of one journey only
}

// Stage is a stretch of a journey, in seconds since it began.
type Stage struct {
	Name     string  `json:"name"`
	Start    float64 `json:"startSeconds"`
	Duration float64 `json:"durationSeconds"`
	Status   string  `json:"status"`
	Reason   string  `json:"reason,omitempty"`
}

// Step is one event of a journey.
type Step struct {
	Event    string    `json:"event"`
	ID       string    `json:"id"`
	Sequence string    `json:"sequence"`
	App      string    `json:"app"`
	Source   string    `json:"source"`
	Subject  string    `json:"subject,omitempty"`
	Time     time.Time `json:"time"`
	Offset   float64   `json:"offsetSeconds"`
	Duration float64   `json:"durationSeconds"`
	Status   string    `json:"status"`
	Reason   string    `json:"reason,omitempty"`
}

// Journeys of a project, newest first; app may be empty.
func (c *Client) Journeys(ctx context.Context, p, app string) ([]Journey, error) {
	query := limit(50)
	if app != "" {
		query.Set("app", app)
	}
	return items[Journey](ctx, c, project(p)+"/journeys", query)
}

// Journey returns one journey with its stages and steps.
func (c *Client) Journey(ctx context.Context, p, correlation string) (Journey, error) {
	return get[Journey](ctx, c, project(p)+"/journeys/"+url.PathEscape(correlation), nil)
}
