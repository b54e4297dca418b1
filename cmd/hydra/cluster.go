// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/term"
	"github.com/hydra-platform/hydra/events/record"
)

func (c *cli) clusterCommand() *cobra.Command {
	var file string
	plan := &cobra.Command{
		Use: "plan -f FILE", Short: "Show what would be created in AWS for a cluster; nothing is created", Args: args(cobra.NoArgs),
		Example: example("hydra cluster plan -f examples/cluster.yaml", "hydra cluster plan -f examples/cluster.yaml -o json"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usagef("name the cluster's spec with --file")
			}
			spec, err := c.readFile(file)
			if err != nil {
				return err
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			ctx, cancel := c.patience(cmd.Context(), 2*time.Minute)
			defer cancel()
			bar := c.progress("planning")
			defer bar.End()
			p, err := client.CreatePlan(ctx, spec)
			if err != nil {
				return inFile(err, file)
			}
			if !p.Phase.Terminal() {
				id := p.ID
				if err := poll(ctx, func(ctx context.Context) (bool, error) {
					next, err := client.Plan(ctx, id)
					if err == nil {
						p = next
					}
					return err == nil && p.Phase.Terminal(), notYet(err)
				}); err != nil {
					return err
				}
			}
			bar.End()
			if p.Phase == record.Failed {
				return &outcomeError{"no plan could be made: " + p.Reason}
			}
			return c.printPlan(p)
		},
	}
	plan.Flags().StringVarP(&file, "file", "f", "", "cluster spec `file`; - reads standard input")
	return noun("cluster", groupAdmin, "Plan clusters on AWS", plan,
		&cobra.Command{
			Use: "plans", Short: "List the plans that were made", Args: args(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error {
				client, err := c.client()
				if err != nil {
					return err
				}
				plans, err := client.Plans(cmd.Context())
				if err != nil {
					return err
				}
				rows := make([][]string, len(plans))
				for i, p := range plans {
					rows[i] = []string{p.ID, p.Cluster, c.print.State(string(p.Phase)), term.Or(p.Region), fmt.Sprint(len(p.Resources)), money(p.Monthly), term.Age(time.Now(), p.CreatedAt), term.Or(p.Reason)}
				}
				return c.print.Print(plans, term.Columns{Names: []string{"id", "cluster", "phase", "region", "resources", "a month", "age", "reason"}, Wide: 1}, rows)
			},
		})
}

func (c *cli) printPlan(p record.Plan) error {
	rows := make([][]string, len(p.Resources))
	counts := map[string]int{}
	for i, r := range p.Resources {
		counts[r.Action]++
		var detail []string
		for k, v := range r.Detail {
			detail = append(detail, k+"="+v)
		}
		rows[i] = []string{c.action(r.Action), r.Kind, r.Key, money(r.Monthly), term.Or(r.ID), term.Or(r.Reason), term.Short(strings.Join(detail, " "), 80)}
	}
	if err := c.print.Print(p, term.Columns{Names: []string{"action", "kind", "name", "a month", "id", "reason", "detail"}, Wide: 1}, rows); err != nil {
		return err
	}
	var sums []string
	for _, a := range []string{"create", "change", "replace", "delete", "keep"} {
		if counts[a] > 0 {
			sums = append(sums, fmt.Sprintf("%d to %s", counts[a], a))
		}
	}
	if len(sums) == 0 {
		sums = []string{"nothing to do"}
	}
	c.print.Line("\nCluster %s in %s: %s; about %s a month. Nothing was created.", c.print.Bold(p.Cluster), p.Region, strings.Join(sums, ", "), money(p.Monthly))
	for _, w := range p.Warnings {
		c.print.Line("%s %s", c.print.Busy("warning:"), w)
	}
	return nil
}

func (c *cli) action(a string) string {
	switch a {
	case "create":
		return c.print.Good(a)
	case "delete", "replace":
		return c.print.Bad(a)
	case "change":
		return c.print.Busy(a)
	}
	return c.print.Dim(a)
}

func money(usd float64) string {
	if usd == 0 {
		return "-"
	}
	return fmt.Sprintf("$%.2f", usd)
}
