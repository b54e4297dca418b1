// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/delivery"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

func (c *cli) webhookCommand() *cobra.Command {
	return noun("webhook", groupAdmin, "Create, list, delete and try webhooks",
		c.webhookCreateCommand(), c.webhookListCommand(), c.webhookDeleteCommand(), c.webhookTestCommand())
}

func (c *cli) webhookCreateCommand() *cobra.Command {
	var provider, secret string
	cmd := &cobra.Command{
		Use: "create --provider github|gitlab|gitea", Short: "Create a webhook; its secret is shown this once", Args: args(cobra.NoArgs),
		Example: example("hydra webhook create --provider github", "hydra webhook create --provider gitlab -o json"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(delivery.Providers(), provider) {
				return usagef("provider %q: choose github, gitlab or gitea with --provider", provider)
			}
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			w, err := client.CreateWebhook(cmd.Context(), project, provider, secret)
			if err != nil {
				return err
			}
			c.print.Line("Enter this at %s, content type application/json, for pushes:\n", provider)
			c.print.Line("  URL     %s", c.print.Bold(w.URL))
			c.print.Line("  secret  %s\n", w.Secret)
			c.print.Line("The secret is not shown again. Try it with `hydra webhook test %s --secret %s`", w.ID, w.Secret)
			return c.onlyData(w)
		},
	}
	cmd.Flags().StringVar(&provider, "provider", "", "github, gitlab or gitea")
	cmd.Flags().StringVar(&secret, "secret", "", "secret to use; default a new one")
	return cmd
}

func (c *cli) webhookListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List webhooks, without their secrets", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			hooks, err := client.Webhooks(cmd.Context(), project)
			if err != nil {
				return err
			}
			if len(hooks) == 0 {
				c.print.Line("Project %s has no webhook yet: create one with `hydra webhook create --provider github`", project)
			}
			rows := make([][]string, len(hooks))
			for i, w := range hooks {
				rows[i] = []string{w.ID, w.Provider, w.URL, term.Age(time.Now(), w.CreatedAt)}
			}
			return c.print.Print(hooks, term.Columns{Names: []string{"id", "provider", "url", "age"}}, rows)
		},
	}
}

func (c *cli) webhookDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "delete ID", Aliases: []string{"rm"}, Short: "Refuse deliveries to a webhook from now on", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			if err := c.confirm(fmt.Sprintf("Delete webhook %s of project %s?", args[0], project)); err != nil {
				return err
			}
			if err := client.DeleteWebhook(cmd.Context(), project, args[0]); err != nil {
				return err
			}
			c.print.Line("Webhook %s is deleted", args[0])
			return nil
		},
	}
}

func (c *cli) webhookTestCommand() *cobra.Command {
	var secret, message string
	var p delivery.Push
	cmd := &cobra.Command{
		Use: "test ID --secret SECRET", Short: "Send a signed ping, or a push, to a webhook as its forge would", Args: args(cobra.ExactArgs(1)),
		Long: `Test sends what the forge sends. Without --repo it is a ping. With --repo it is a
push of the branch's newest commit, which is looked up when --sha is left out and
the repository is a directory on this machine.`,
		Example: example("hydra webhook test w1a2b3 --secret $SECRET", "hydra webhook test w1a2b3 --secret $SECRET --repo /srv/git/shop.git --branch main"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if secret == "" {
				return usagef("the secret was shown when the webhook was created: pass it with --secret")
			}
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			hooks, err := client.Webhooks(cmd.Context(), project)
			if err != nil {
				return err
			}
			for _, w := range hooks {
				if w.ID != args[0] {
					continue
				}
				var push *delivery.Push
				if p.Repository != "" {
					if push, err = completePush(p, message); err != nil {
						return err
					}
				}
				header, body, err := delivery.New(w.Provider, secret, push)
				if err != nil {
					return &usageError{err.Error()}
				}
				answer, err := client.Deliver(cmd.Context(), w.URL, header, body)
				if err != nil {
					return err
				}
				what := "a ping"
				if push != nil {
					what = fmt.Sprintf("the push of %s to %s", push.SHA[:min(9, len(push.SHA))], push.Branch)
				}
				c.print.Line("%s accepted %s", w.URL, what)
				if text, ok := answer["message"].(string); ok {
					c.print.Line("%s", text)
				}
				return c.onlyData(answer)
			}
			return &notFoundError{fmt.Sprintf("project %s has no webhook %s: `hydra webhook list` shows what there is", project, args[0])}
		},
	}
	f := cmd.Flags()
	f.StringVar(&secret, "secret", "", "the webhook's secret")
	f.StringVar(&p.Repository, "repo", "", "repository of the push, as the app names it")
	f.StringVar(&p.Branch, "branch", "main", "branch of the push")
	f.StringVar(&p.SHA, "sha", "", "commit; default the newest of the branch in a local repository")
	f.StringVar(&message, "message", "", "message of the commit; default its own")
	return cmd
}

// completePush asks git for what was not given.
func completePush(p delivery.Push, message string) (*delivery.Push, error) {
	var err error
	if p.Repository, err = repository(p.Repository); err != nil {
		return nil, err
	}
	dir := strings.TrimPrefix(p.Repository, "file://")
	if p.SHA == "" || message == "" {
		out, err := exec.Command("git", "-C", dir, "log", "-1", "--format=%H%n%an%n%ae%n%aI%n%s", "refs/heads/"+p.Branch).Output() //nolint:gosec // no shell is involved
		lines := strings.SplitN(strings.TrimSpace(string(out)), "\n", 5)
		switch {
		case err == nil && len(lines) == 5:
			if p.SHA == "" || p.SHA == lines[0] {
				p.SHA, p.Author, p.Email, p.Message = lines[0], lines[1], lines[2], lines[4]
				p.Time, _ = time.Parse(time.RFC3339, lines[3])
			}
		case p.SHA == "":
			return nil, usagef("repository %s: git finds no branch %s there: give the commit with --sha", p.Repository, p.Branch)
		}
	}
	if message != "" {
		p.Message = message
	}
	if p.Time.IsZero() {
		p.Time = time.Now()
	}
	return &p, nil
}
