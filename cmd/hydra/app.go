// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
	"github.com/hydra-platform/hydra/events/record"
)

func (c *cli) appCommand() *cobra.Command {
	return noun("app", groupWork, "Create, list, look at and delete apps",
		c.appCreateCommand(), c.appListCommand(), c.appGetCommand(), c.appDeleteCommand())
}

func (c *cli) appCreateCommand() *cobra.Command {
	var want api.AppRequest
	var file string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create an app, or change where it is built from", Args: args(cobra.ExactArgs(1)),
		Long: `Create says from which repository an app is built, or, with --file, how it runs.
A push to the branch then builds and deploys it. Doing it again changes the app.`,
		Example: example("hydra app create shop --repo https://git.example.com/acme/shop.git --branch main",
			"hydra app create shop --repo /srv/git/shop --path services/shop --wait", "hydra app create cache -f cache.yaml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			if want.Repository, err = repository(want.Repository); err != nil {
				return err
			}
			if file != "" {
				if want.Spec, err = c.readFile(file); err != nil {
					return err
				}
			}
			app, err := client.PutApp(cmd.Context(), project, args[0], want)
			if err != nil {
				return inFile(err, file)
			}
			if c.wait {
				return c.awaitDeploy(cmd.Context(), client, project, args[0], 0)
			}
			c.print.Line("App %s is %s", c.print.Bold(app.Name), c.print.State(string(app.Status)))
			if want.Repository != "" {
				c.print.Line("Build it now with `hydra deploy %s --wait`, or on each push with `hydra webhook create --provider github`", app.Name)
			}
			return c.onlyData(app)
		},
	}
	f := cmd.Flags()
	f.StringVar(&want.Repository, "repo", "", "clone `URL`, or a directory that `hydra up --git-root` allows")
	f.StringVar(&want.Branch, "branch", "", "branch to build; default main")
	f.StringVar(&want.Path, "path", "", "folder of the app inside the repository")
	f.StringVarP(&file, "file", "f", "", "OAM Application `file`; - reads standard input")
	return cmd
}

// repository makes a local path absolute: the builder runs elsewhere.
func repository(s string) (string, error) {
	if s == "" || strings.Contains(s, "://") || strings.Contains(s, "@") || !strings.HasPrefix(s, ".") && !strings.HasPrefix(s, "/") {
		return s, nil
	}
	abs, err := filepath.Abs(s)
	if err != nil {
		return "", fmt.Errorf("repository %q: %w", s, err)
	}
	return abs, nil
}

func (c *cli) readFile(name string) (string, error) {
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(c.in, 1<<20))
		return string(data), err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", &usageError{err.Error()}
	}
	return string(data), nil
}

func (c *cli) appListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the apps of a project", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			apps, err := client.Apps(cmd.Context(), project)
			if err != nil {
				return err
			}
			if len(apps) == 0 {
				c.print.Line("Project %s has no app yet: create one with `hydra app create NAME --repo URL`", project)
			}
			return c.printApps(apps, apps)
		},
	}
}

func (c *cli) appGetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "get NAME", Short: "Look at one app", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			app, err := client.App(cmd.Context(), project, args[0])
			if err != nil {
				return err
			}
			if err := c.printApps(app, []record.App{app}); err != nil {
				return err
			}
			if app.Reason != "" {
				c.print.Line("\n%s", app.Reason)
			}
			return nil
		},
	}
}

func (c *cli) printApps(value any, apps []record.App) error {
	rows := make([][]string, len(apps))
	for i, a := range apps {
		revision := "-"
		if a.Revision > 0 {
			revision = fmt.Sprintf("v%d", a.Revision)
		}
		rows[i] = []string{
			a.Name, c.print.State(string(a.Status)), revision, fmt.Sprintf("%d/%d", a.Replicas, a.Desired), term.Or(a.URL), term.Age(time.Now(), a.UpdatedAt),
			term.Or(a.Repository), term.Or(a.Branch), term.Short(term.Or(strings.ReplaceAll(a.Reason, "\n", " ")), 60),
		}
	}
	return c.print.Print(value, term.Columns{Names: []string{"name", "status", "revision", "replicas", "url", "changed", "repository", "branch", "reason"}, Wide: 3}, rows)
}

func (c *cli) appDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"}, Short: "Remove an app and its objects from the cluster", Args: args(cobra.ExactArgs(1)),
		Example: example("hydra app delete shop --yes --wait"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, project, err := c.inProject(cmd.Context())
			if err != nil {
				return err
			}
			if err := c.confirm(fmt.Sprintf("Remove app %s of project %s?", args[0], project)); err != nil {
				return err
			}
			if err := client.DeleteApp(cmd.Context(), project, args[0]); err != nil {
				return err
			}
			if c.wait {
				if err := c.awaitRemoval(cmd.Context(), client, project, args[0]); err != nil {
					return err
				}
				c.print.Line("App %s is removed", args[0])
				return nil
			}
			c.print.Line("App %s is being removed", args[0])
			return nil
		},
	}
}
