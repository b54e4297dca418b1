// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

func (c *cli) logsCommand() *cobra.Command {
	var follow, tests bool
	var lines int
	var since, build string
	cmd := &cobra.Command{
		Use: "logs APP", GroupID: groupWork, Short: "Read what an app, or one of its builds, has written",
		Example: example("hydra logs shop -f", "hydra logs shop -n 500 --since 1h", "hydra logs shop --build latest -f", "hydra logs shop --build b1f2e3d4c5b6 --tests"),
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			client, project, err := c.inProject(ctx)
			if err != nil {
				return err
			}
			if build == "" {
				if tests {
					return usagef("--tests is for the log of a build: add --build latest")
				}
				return ended(ctx, client.AppLog(ctx, project, args[0], lines, since, follow, c.logLine(true)))
			}
			if build == "latest" {
				if build, err = latestBuild(ctx, client, project, args[0]); err != nil {
					return err
				}
			}
			kind := "build"
			if tests {
				kind = "test"
			}
			return ended(ctx, client.BuildLog(ctx, project, build, kind, follow, c.logLine(false)))
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&follow, "follow", "f", false, "wait for more")
	f.IntVarP(&lines, "lines", "n", 100, "lines of each pod to begin with")
	f.StringVar(&since, "since", "", "begin at this time, or this long ago, such as 10m")
	f.StringVar(&build, "build", "", "log of a build: its `ID`, or latest")
	f.BoolVar(&tests, "tests", false, "with --build: the log of its tests")
	return cmd
}

func latestBuild(ctx context.Context, client *api.Client, project, app string) (string, error) {
	builds, err := client.Builds(ctx, project, app)
	if err != nil {
		return "", err
	}
	if len(builds) == 0 {
		return "", &notFoundError{fmt.Sprintf("app %s has no build yet: start one with `hydra deploy %s`", app, app)}
	}
	return builds[0].ID, nil
}

// logLine writes one line as it comes.
func (c *cli) logLine(pods bool) func(api.LogLine) error {
	return func(l api.LogLine) (err error) {
		switch {
		case c.print.Format == term.JSON:
			err = json.NewEncoder(c.out).Encode(l)
		case c.print.Format == term.YAML:
			err = c.print.Print([]api.LogLine{l}, term.Columns{}, nil)
		case pods && c.print.Format == term.Wide:
			_, err = fmt.Fprintf(c.out, "%s %s/%s %s\n", l.Time.Format(time.RFC3339), c.print.Dim(l.Pod), l.Container, l.Text)
		case pods:
			_, err = fmt.Fprintf(c.out, "%s %s\n", c.print.Dim(l.Pod), l.Text)
		case c.print.Format == term.Wide:
			_, err = fmt.Fprintf(c.out, "%s %s\n", c.print.Dim(l.Time.Format("15:04:05.000")), l.Text)
		default:
			_, err = fmt.Fprintln(c.out, l.Text)
		}
		return err
	}
}

// ended makes Ctrl-C the ordinary end of what has no other.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
