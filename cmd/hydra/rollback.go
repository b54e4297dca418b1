// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func (c *cli) rollbackCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rollback APP [REVISION]", GroupID: groupWork, Short: "Go back to an earlier revision",
		Long:    "Without REVISION the last healthy one before the current is taken.",
		Example: example("hydra rollback shop --wait", "hydra rollback shop v3"),
		Args:    args(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			revision := 0
			if len(args) > 1 {
				n, err := strconv.Atoi(strings.TrimPrefix(args[1], "v"))
				if err != nil || n < 1 {
					return usagef("revision %q: want a number such as 3 or v3; `hydra releases %s` lists them", args[1], args[0])
				}
				revision = n
			}
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			app, err := client.App(cmd.Context(), project, args[0])
			if err != nil {
				return err
			}
			if err := client.Rollback(cmd.Context(), project, args[0], revision); err != nil {
				return err
			}
			c.print.Line("Roll-back of %s is requested", c.print.Bold(args[0]))
			if c.wait {
				return c.awaitDeploy(cmd.Context(), client, project, args[0], app.Revision)
			}
			return nil
		},
	}
}
