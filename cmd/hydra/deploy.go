// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
)

func (c *cli) deployCommand() *cobra.Command {
	var file, sha string
	cmd := &cobra.Command{
		Use: "deploy [APP]", GroupID: groupWork, Short: "Build and deploy an app's newest commit, or apply an application file",
		Example: example("hydra deploy shop --wait", "hydra deploy shop --sha 4f2c1d9", "hydra deploy -f app.yaml --wait", "cat app.yaml | hydra deploy -f -"),
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			switch {
			case file != "" && sha != "":
				return usagef("--file and --sha exclude each other: a file is applied, a commit is built")
			case file == "" && len(args) == 0:
				return usagef("name the app, or give its file with --file")
			}
			client, project, err := c.inProject(ctx)
			if err != nil {
				return err
			}
			var name string
			var want api.AppRequest
			if file != "" {
				if want.Spec, err = c.readFile(file); err != nil {
					return err
				}
				if name, err = specName(want.Spec); err != nil {
					return usagef("%s: %s", file, err)
				}
			}
			if len(args) > 0 {
				name = args[0]
			}
			before, err := client.App(ctx, project, name)
			var problem *api.Problem
			if err != nil && !(file != "" && errors.As(err, &problem) && problem.Status == 404) {
				return err
			}
			if file != "" {
				// What is left out of a request is unset, so an app keeps its repository.
				want.Repository, want.Branch, want.Path = before.Repository, before.Branch, before.Path
				if _, err := client.PutApp(ctx, project, name, want); err != nil {
					return inFile(err, file)
				}
				c.print.Line("Applied %s to app %s", file, c.print.Bold(name))
			} else {
				if err := client.RequestBuild(ctx, project, name, sha); err != nil {
					return err
				}
				c.print.Line("Requested a build of %s", c.print.Bold(name))
			}
			if c.wait {
				return c.awaitDeploy(ctx, client, project, name, before.Revision)
			}
			c.print.Line("Follow it with `hydra logs %s --build latest -f` or `hydra events tail --app %s`", name, name)
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "OAM Application `file`; - reads standard input")
	cmd.Flags().StringVar(&sha, "sha", "", "commit to build; default the newest of the app's branch")
	return cmd
}

// specName reads the app's name out of its file.
func specName(spec string) (string, error) {
	var head struct {
		Metadata struct{ Name string } `json:"metadata"`
	}
	if err := yaml.Unmarshal([]byte(spec), &head); err != nil {
		return "", fmt.Errorf("not YAML: %w", err)
	}
	if head.Metadata.Name == "" {
		return "", errors.New("metadata.name is missing: it names the app")
	}
	return head.Metadata.Name, nil
}

// inFile lets a problem with the spec point into the file it came from.
func inFile(err error, file string) error {
	var p *api.Problem
	if file == "" || file == "-" || !errors.As(err, &p) {
		return err
	}
	for i, f := range p.Errors {
		if rest, ok := strings.CutPrefix(f.Location, "body.spec"); ok {
			p.Errors[i].Location = file + rest
		}
	}
	return err
}
