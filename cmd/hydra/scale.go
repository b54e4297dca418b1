// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func (c *cli) scaleCommand() *cobra.Command {
	var auto bool
	cmd := &cobra.Command{
		Use: "scale APP=N... | scale APP --auto", GroupID: groupWork, Short: "Fix the number of replicas, or give it back to the scaling policy",
		Example: example("hydra scale shop=3 --wait", "hydra scale shop=2 worker=5", "hydra scale shop --auto"),
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			want, err := parseScale(args, auto)
			if err != nil {
				return err
			}
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			for _, w := range want {
				if err := client.Scale(cmd.Context(), project, w.app, w.replicas); err != nil {
					return err
				}
				if w.replicas == nil {
					c.print.Line("%s follows its scaling policy again", c.print.Bold(w.app))
					continue
				}
				c.print.Line("%s is to have %s", c.print.Bold(w.app), count(*w.replicas, "replica"))
			}
			if !c.wait || auto {
				return nil
			}
			ctx, cancel := c.patience(cmd.Context(), defaultPatience)
			defer cancel()
			bar := c.progress("scaling")
			defer bar.End()
			for _, w := range want {
				if err := poll(ctx, func(ctx context.Context) (bool, error) {
					a, err := client.App(ctx, project, w.app)
					bar.Set(fmt.Sprintf("%s: %d of %d replicas are ready", w.app, a.Replicas, *w.replicas))
					return a.Replicas == *w.replicas && a.Desired == *w.replicas, err
				}); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&auto, "auto", false, "let the scaling policy decide again")
	return cmd
}

type scaleWish struct {
	app      string
	replicas *int
}

func parseScale(args []string, auto bool) ([]scaleWish, error) {
	var out []scaleWish
	for _, arg := range args {
		app, number, fixed := strings.Cut(arg, "=")
		if app == "" || fixed == auto {
			return nil, usagef("%q: want APP=N, such as shop=3, or APP with --auto", arg)
		}
		w := scaleWish{app: app}
		if fixed {
			n, err := strconv.Atoi(number)
			if err != nil || n < 0 || n > 1000 {
				return nil, usagef("%q: want a number of replicas from 0 to 1000", arg)
			}
			w.replicas = &n
		}
		out = append(out, w)
	}
	return out, nil
}
