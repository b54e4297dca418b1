// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/platform"
)

func (c *cli) downCommand() *cobra.Command {
	var purge bool
	cmd := &cobra.Command{
		Use: "down", GroupID: groupPlatform, Short: "Stop the platform on this machine and check that nothing is left", Args: args(cobra.NoArgs),
		Long: `Down stops what "hydra up" started, also when its process was killed, and then
looks for processes, mounts, interfaces, iptables rules and cgroups of it. The data
stays, unless --purge is given.`,
		Example: example("hydra down", "hydra down --purge --yes"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := platform.OpenDir(c.dataDir)
			if err != nil {
				return err
			}
			if !dir.Exists() {
				c.print.Line("Nothing to stop: %s is not there", dir)
				return nil
			}
			if purge {
				if err := c.confirm(fmt.Sprintf("Stop and delete everything in %s: projects, events, images?", dir)); err != nil {
					return err
				}
			}
			ctx, cancel := c.patience(cmd.Context(), 90*time.Second)
			defer cancel()
			bar := c.progress("stopping")
			defer bar.End()
			was, left, err := platform.Down(ctx, dir)
			bar.End()
			for _, thing := range left {
				c.print.Line("%s %s", c.print.Bad("left behind:"), thing)
			}
			if err != nil {
				return err
			}
			if len(left) > 0 {
				return &outcomeError{fmt.Sprintf("%s left on this machine: run `hydra down` again as root", count(len(left), "thing"))}
			}
			what := "Stopped"
			if !was {
				what = "It was not running"
			}
			c.print.Line("%s; no process, mount, interface, iptables rule or cgroup is left", what)
			if purge {
				if err := platform.Purge(dir); err != nil {
					return err
				}
				c.print.Line("Deleted %s", dir)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "delete the data as well")
	return cmd
}
