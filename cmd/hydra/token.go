// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

func (c *cli) tokenCommand() *cobra.Command {
	var want api.TokenRequest
	var expires time.Duration
	create := &cobra.Command{
		Use: "create NAME", Short: "Create a token and show it this once", Args: args(cobra.ExactArgs(1)),
		Example: example("hydra token create ci --for shop --expires 720h", "hydra token create ops --admin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if want.Admin == (len(want.Projects) > 0) {
				return usagef("say what the token is for: --for PROJECT, or --admin")
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			want.Name, want.ExpiresInSeconds = args[0], int64(expires.Seconds())
			t, err := client.CreateToken(cmd.Context(), want)
			if err != nil {
				return err
			}
			c.print.Line("%s", t.Secret)
			return c.onlyData(t)
		},
	}
	f := create.Flags()
	f.StringSliceVar(&want.Projects, "for", nil, "`project` that it may use; may be given again")
	f.BoolVar(&want.Admin, "admin", false, "it may use every project and manage tokens")
	f.DurationVar(&expires, "expires", 0, "how long it is valid; default for ever")
	return noun("token", groupAdmin, "Create, list and revoke tokens", create,
		&cobra.Command{
			Use: "list", Aliases: []string{"ls"}, Short: "List tokens, without their secrets", Args: args(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error {
				client, err := c.client()
				if err != nil {
					return err
				}
				tokens, err := client.Tokens(cmd.Context())
				if err != nil {
					return err
				}
				rows := make([][]string, len(tokens))
				for i, t := range tokens {
					expires := "never"
					if t.ExpiresAt != nil {
						expires = t.ExpiresAt.Format("2006-01-02 15:04")
					}
					rows[i] = []string{t.ID, t.Name, fmt.Sprint(t.Admin), term.Or(strings.Join(t.Projects, ",")), expires, term.Age(time.Now(), t.CreatedAt)}
				}
				return c.print.Print(tokens, term.Columns{Names: []string{"id", "name", "admin", "projects", "expires", "age"}}, rows)
			},
		},
		&cobra.Command{
			Use: "revoke ID", Aliases: []string{"delete", "rm"}, Short: "Make a token useless at once", Args: args(cobra.ExactArgs(1)),
			RunE: func(cmd *cobra.Command, args []string) error {
				client, err := c.client()
				if err != nil {
					return err
				}
				if err := c.confirm(fmt.Sprintf("Revoke token %s?", args[0])); err != nil {
					return err
				}
				if err := client.RevokeToken(cmd.Context(), args[0]); err != nil {
					return err
				}
				c.print.Line("Token %s is revoked", args[0])
				return nil
			},
		})
}
