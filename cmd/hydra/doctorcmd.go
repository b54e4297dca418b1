// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/doctor"
	"github.com/hydra-platform/hydra/cmd/hydra/platform"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

func (c *cli) doctorCommand() *cobra.Command {
	var opts platform.Options
	var portBase int
	cmd := &cobra.Command{
		Use: "doctor", GroupID: groupPlatform, Short: "Check what `hydra up` needs on this machine, with the fix for what is missing", Args: args(cobra.NoArgs),
		Long:    "Doctor ends with exit code 1 when something FAILs; with WARN something will be missing.",
		Example: example("hydra doctor", "hydra doctor --port-base 8000 -o json"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.DataDir = c.dataDir
			ports := platform.PortsFrom(portBase)
			opts.Ports = &ports
			bar := c.progress("checking")
			results := doctor.All(cmd.Context(), doctor.Options{Platform: opts})
			bar.End()
			rows := make([][]string, len(results))
			for i, r := range results {
				status := c.print.Busy(string(r.Status))
				if r.Status != doctor.Warn {
					status = c.print.State(string(r.Status))
				}
				rows[i] = []string{status, r.Check, r.Found, r.Fix}
			}
			if err := c.print.Print(results, term.Columns{Names: []string{"status", "check", "found", "fix"}}, rows); err != nil {
				return err
			}
			if doctor.Failed(results) {
				return errors.Join(fmt.Errorf("something is missing"), errSilent)
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&portBase, "port-base", platform.DefaultPortBase, "check the ports of `hydra up --port-base`")
	cmd.Flags().StringVar(&opts.Kubeconfig, "kubeconfig", "", "check for `hydra up --kubeconfig`")
	cmd.Flags().StringVar(&opts.BuildkitAddr, "buildkit-addr", "", "check for `hydra up --buildkit-addr`")
	return cmd
}
