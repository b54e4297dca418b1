// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/flow"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

func (c *cli) flowCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "flow", GroupID: groupPlatform, Short: "Show which service turns which event into which",
		Long: `Flow prints the event graph from what the services declare; no server is needed.
It ends with the events of the catalogue that nobody emits or consumes.`,
		Example: example("hydra flow", "hydra flow -o mermaid > flow.mmd", "hydra flow -o json"),
		Args:    args(cobra.NoArgs),
		// -o means something else here: mermaid and markdown exist, wide does not.
		PersistentPreRunE: func(*cobra.Command, []string) error {
			c.output = "table"
			return c.before()
		},
		RunE: func(*cobra.Command, []string) error {
			g := flow.New(units())
			switch format {
			case "text", "table", "wide":
				g.Text(c.out)
			case "mermaid":
				g.Mermaid(c.out)
			case "markdown":
				g.Markdown(c.out)
			case "json", "yaml":
				c.print.Format = term.Format(format)
				return c.print.Print(g, term.Columns{}, nil)
			default:
				return usagef("output format %q: choose text, mermaid, markdown, json or yaml", format)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "text", "text, mermaid, markdown, json or yaml")
	return cmd
}
