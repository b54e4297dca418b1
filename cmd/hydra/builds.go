// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/term"
	"github.com/hydra-platform/hydra/events/record"
)

func (c *cli) buildsCommand() *cobra.Command {
	list := func(cmd *cobra.Command, args []string) error {
		client, project, err := c.inProject(cmd.Context())
		if err != nil {
			return err
		}
		app := ""
		if len(args) > 0 {
			app = args[0]
		}
		builds, err := client.Builds(cmd.Context(), project, app)
		if err != nil {
			return err
		}
		if len(builds) == 0 {
			c.print.Line("There is no build yet: start one with `hydra deploy APP`")
		}
		return c.printBuilds(builds, builds)
	}
	cmd := &cobra.Command{
		Use: "builds [APP]", GroupID: groupWork, Aliases: []string{"build"}, Short: "List builds; look at one",
		Example: example("hydra builds shop", "hydra builds get b1f2e3d4c5b6", "hydra builds logs b1f2e3d4c5b6 -f"),
		Args:    args(cobra.MaximumNArgs(1)), RunE: list,
	}
	var follow, tests bool
	logs := &cobra.Command{
		Use: "logs ID", Short: "Read the log of a build", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			kind := "build"
			if tests {
				kind = "test"
			}
			return ended(cmd.Context(), client.BuildLog(cmd.Context(), project, args[0], kind, follow, c.logLine(false)))
		},
	}
	logs.Flags().BoolVarP(&follow, "follow", "f", false, "wait for more")
	logs.Flags().BoolVar(&tests, "tests", false, "the log of its tests")
	cmd.AddCommand(
		&cobra.Command{Use: "list [APP]", Aliases: []string{"ls"}, Short: "List builds, newest first", Args: args(cobra.MaximumNArgs(1)), RunE: list},
		&cobra.Command{
			Use: "get ID", Short: "Look at one build", Args: args(cobra.ExactArgs(1)),
			RunE: func(cmd *cobra.Command, args []string) error {
				client, project, err := c.inProject(cmd.Context())
				if err != nil {
					return err
				}
				b, err := client.Build(cmd.Context(), project, args[0])
				if err != nil {
					return err
				}
				if err := c.printBuilds(b, []record.Build{b}); err != nil {
					return err
				}
				if b.Reason != "" {
					c.print.Line("\n%s", b.Reason)
				}
				return nil
			},
		},
		logs,
	)
	return cmd
}

func (c *cli) printBuilds(value any, builds []record.Build) error {
	rows := make([][]string, len(builds))
	for i, b := range builds {
		took, tests := "-", "-"
		switch {
		case !b.FinishedAt.IsZero() && !b.StartedAt.IsZero():
			took = term.Duration(b.FinishedAt.Sub(b.StartedAt))
		case !b.StartedAt.IsZero():
			took = term.Duration(time.Since(b.StartedAt))
		}
		if b.Tests != nil {
			tests = fmt.Sprintf("%d ok, %d failed", b.Tests.Passed, b.Tests.Failed)
		}
		rows[i] = []string{
			b.ID, b.App, c.print.State(string(b.Phase)), term.Short(b.Commit.SHA, 9), term.Short(b.Commit.Message, 40), took, tests, term.Age(time.Now(), b.QueuedAt),
			term.Or(b.Strategy), term.Or(b.Image), term.Short(term.Or(b.Reason), 60),
		}
	}
	return c.print.Print(value, term.Columns{Names: []string{"id", "app", "phase", "commit", "message", "took", "tests", "age", "strategy", "image", "reason"}, Wide: 3}, rows)
}
