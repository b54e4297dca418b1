// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

func (c *cli) releasesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "releases APP", GroupID: groupWork, Aliases: []string{"history"}, Short: "List the revisions of an app, newest first",
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			releases, err := client.Releases(cmd.Context(), project, args[0])
			if err != nil {
				return err
			}
			if len(releases) == 0 {
				c.print.Line("App %s has no release yet: deploy it with `hydra deploy %s`", args[0], args[0])
			}
			rows := make([][]string, len(releases))
			for i, r := range releases {
				took := "-"
				if !r.FinishedAt.IsZero() {
					took = term.Duration(r.FinishedAt.Sub(r.StartedAt))
				}
				rows[i] = []string{
					fmt.Sprintf("v%d", r.Revision), c.print.State(string(r.Phase)), r.Cause, term.Short(term.Or(r.SHA), 9), term.Short(term.Or(r.Message), 40), took,
					term.Age(time.Now(), r.StartedAt), term.Short(term.Or(r.Reason), 24), term.Short(term.Or(r.Detail), 60), term.Or(r.Image),
				}
			}
			return c.print.Print(releases, term.Columns{Names: []string{"revision", "phase", "cause", "commit", "message", "took", "age", "reason", "detail", "image"}, Wide: 2}, rows)
		},
	}
}
