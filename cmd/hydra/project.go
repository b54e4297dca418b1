// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

func (c *cli) projectCommand() *cobra.Command {
	var description string
	create := &cobra.Command{
		Use: "create NAME", Short: "Create a project", Args: args(cobra.ExactArgs(1)),
		Example: example("hydra project create shop --description \"the web shop\""),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			p, err := client.CreateProject(cmd.Context(), args[0], description)
			if err != nil {
				return err
			}
			c.print.Line("Project %s is there", c.print.Bold(p.Name))
			return c.onlyData(p)
		},
	}
	create.Flags().StringVar(&description, "description", "", "what it is for")
	list := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List projects", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			projects, err := client.Projects(cmd.Context())
			if err != nil {
				return err
			}
			if len(projects) == 0 {
				c.print.Line("There is no project yet: create one with `hydra project create NAME`")
			}
			return c.printProjects(projects)
		},
	}
	remove := &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"}, Short: "Delete a project with all its apps", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			if err := c.confirm(fmt.Sprintf("Delete project %s with all its apps and webhooks?", args[0])); err != nil {
				return err
			}
			if err := client.DeleteProject(cmd.Context(), args[0]); err != nil {
				return err
			}
			c.print.Line("Project %s is being removed", args[0])
			return nil
		},
	}
	return noun("project", groupAdmin, "Create, list and delete projects", create, list, remove)
}

func (c *cli) printProjects(projects []api.Project) error {
	rows := make([][]string, len(projects))
	for i, p := range projects {
		rows[i] = []string{p.Name, term.Age(time.Now(), p.CreatedAt), term.Or(p.Description), p.Namespace}
	}
	return c.print.Print(projects, term.Columns{Names: []string{"name", "age", "description", "namespace"}, Wide: 1}, rows)
}

// onlyData prints value where a program reads the output.
func (c *cli) onlyData(value any) error {
	if c.print.Format == term.JSON || c.print.Format == term.YAML {
		return c.print.Print(value, term.Columns{}, nil)
	}
	return nil
}
