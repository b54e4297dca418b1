// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/platform"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

func (c *cli) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", GroupID: groupPlatform, Short: "Show the parts of the platform on this machine", Args: args(cobra.NoArgs),
		Long:    "Status ends with exit code 6 when a part is not ready. With --wait it waits until all are.",
		Example: example("hydra status", "hydra status --wait --timeout 1m", "hydra status -o json"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := platform.OpenDir(c.dataDir)
			if err != nil {
				return err
			}
			ctx, cancel := c.patience(cmd.Context(), 2*time.Minute)
			defer cancel()
			state, err := dir.Running(ctx)
			for c.wait && (errors.Is(err, platform.ErrNotRunning) || !state.Ready()) {
				select {
				case <-ctx.Done():
					return errors.Join(&timeoutError{max(c.timeout, 0)}, err)
				case <-time.After(100 * time.Millisecond):
				}
				state, err = dir.Running(ctx)
			}
			if err != nil {
				return err
			}
			if err := c.printStatus(state); err != nil {
				return err
			}
			if !state.Ready() {
				return errors.Join(&outcomeError{"not every part is ready"}, errSilent)
			}
			return nil
		},
	}
}

func (c *cli) printStatus(s platform.State) error {
	rows := make([][]string, len(s.Parts))
	for i, p := range s.Parts {
		pid, memory, ready := "-", term.Bytes(p.Memory), "-"
		if p.PID != 0 {
			pid = fmt.Sprint(p.PID)
		} else if memory == "-" {
			memory = "in process"
		}
		if p.ReadyMS > 0 || p.State == "ready" {
			ready = term.Duration(time.Duration(p.ReadyMS) * time.Millisecond)
		}
		rows[i] = []string{p.Name, c.print.State(p.State), pid, fmt.Sprint(p.Restarts), ready, memory, term.Or(p.Address), term.Age(time.Now(), p.Since), term.Short(term.Or(strings.ReplaceAll(p.Reason, "\n", " ")), 90)}
	}
	if err := c.print.Print(s, term.Columns{Names: []string{"part", "state", "pid", "restarts", "ready in", "memory", "address", "since", "reason"}, Wide: 2}, rows); err != nil {
		return err
	}
	for _, p := range s.Parts {
		if p.Reason != "" && c.print.Format == term.Table {
			c.print.Line("\n%s: %s", p.Name, p.Reason)
		}
	}
	c.print.Line("\nhydra %s, process %d, up %s, %s resident, data in %s", s.Version, s.PID, term.Age(time.Now(), s.Started), term.Bytes(s.Memory), s.DataDir)
	return nil
}
