// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
	"github.com/hydra-platform/hydra/events/record"
)

const defaultPatience = 10 * time.Minute

// poll asks until done, the time is up, or the answer is an error that will
// not pass. A gateway that restarts is waited for.
func poll(ctx context.Context, done func(context.Context) (bool, error)) error {
	for pause := 100 * time.Millisecond; ; pause = min(pause*3/2, time.Second) {
		ok, err := done(ctx)
		var unreachable *api.UnreachableError
		var problem *api.Problem
		passing := errors.As(err, &unreachable) || errors.As(err, &problem) && problem.Status == http.StatusServiceUnavailable
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && !passing:
			return err
		case ok:
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// awaitDeploy follows an app from its next build, or apply, to a healthy or
// failed revision beyond after.
func (c *cli) awaitDeploy(ctx context.Context, client *api.Client, project, name string, after int) error {
	ctx, cancel := c.patience(ctx, defaultPatience)
	defer cancel()
	begun := time.Now()
	bar := c.progress("waiting for " + name)
	defer bar.End()
	said := ""
	say := func(text string) {
		if text != said {
			said = text
			bar.Set(name + ": " + text)
			if c.print.Format == term.Table || c.print.Format == term.Wide {
				bar.Println(fmt.Sprintf("%7s  %s", term.Duration(time.Since(begun)), text))
			}
		}
	}
	var app record.App
	err := poll(ctx, func(ctx context.Context) (bool, error) {
		builds, err := client.Builds(ctx, project, name)
		if err != nil {
			return false, err
		}
		if len(builds) > 0 && builds[0].QueuedAt.After(begun.Add(-time.Minute)) {
			b := builds[0]
			if b.Phase == record.Failed {
				return false, &outcomeError{fmt.Sprintf("build %s failed: %s\n  read it with `hydra logs %s --build %s`", b.ID, b.Reason, name, b.ID)}
			}
			if !b.Phase.Terminal() {
				say(fmt.Sprintf("build %s is %s", b.ID, b.Phase))
			}
		}
		releases, err := client.Releases(ctx, project, name)
		if err != nil {
			return false, err
		}
		if len(releases) == 0 || releases[0].Revision <= after {
			return false, nil
		}
		r := releases[0]
		say(fmt.Sprintf("revision v%d is %s", r.Revision, r.Phase))
		switch r.Phase {
		case record.Failed, record.RolledBack:
			return false, &outcomeError{fmt.Sprintf("revision v%d of %s did not become healthy: %s %s\n  look with `hydra events journey --app %s latest`", r.Revision, name, r.Reason, r.Detail, name)}
		case record.Succeeded:
			app, err = client.App(ctx, project, name)
			return err == nil, err
		}
		return false, nil
	})
	bar.End()
	if err != nil {
		return err
	}
	c.print.Line("%s is %s at v%d after %s", c.print.Bold(name), c.print.State(string(app.Status)), app.Revision, term.Duration(time.Since(begun)))
	if app.URL != "" {
		c.print.Line("%s", app.URL)
	}
	return c.onlyData(app)
}

// awaitRemoval returns when the app is gone.
func (c *cli) awaitRemoval(ctx context.Context, client *api.Client, project, name string) error {
	ctx, cancel := c.patience(ctx, defaultPatience)
	defer cancel()
	bar := c.progress("removing " + name)
	defer bar.End()
	return poll(ctx, func(ctx context.Context) (bool, error) {
		_, err := client.App(ctx, project, name)
		var problem *api.Problem
		if errors.As(err, &problem) && problem.Status == http.StatusNotFound {
			return true, nil
		}
		return false, err
	})
}

// notYet takes "not found" as "not there yet": what was asked for a moment ago
// appears when its service has handled the request.
func notYet(err error) error {
	var problem *api.Problem
	if errors.As(err, &problem) && problem.Status == http.StatusNotFound {
		return nil
	}
	return err
}
