// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/platform"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

// cli is one invocation. Flags live here, so that tests run many beside each
// other.
type cli struct {
	in       io.Reader
	out, err io.Writer
	version  string

	output  string
	project string
	server  string
	token   string
	dataDir string
	wait    bool
	timeout time.Duration
	yes     bool
	noColor bool

	print *term.Printer // set before a command runs
}

// run executes one command line and returns the exit code.
func (c *cli) run(ctx context.Context, args []string) int {
	root := c.root()
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return codeOK
	}
	code := exitCode(ctx, err)
	if text := err.Error(); text != "" && !errors.Is(err, errSilent) {
		_, _ = fmt.Fprintf(c.err, "hydra: %s\n", text)
	}
	if next := advice(err, cmd); next != "" {
		_, _ = fmt.Fprintf(c.err, "  %s\n", next)
	}
	return code
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "hydra",
		Short: "From a commit to a running, observed, scaled app, every step an event",
		Long: `Hydra builds, tests, deploys, observes and scales what you push, on your own
machine or cluster. Every step is a CloudEvent that you may watch and replay.

Start the platform with "hydra up", then "hydra project create NAME" and
"hydra app create NAME --repo URL".

Exit codes: 0 done · 1 error · 2 wrong usage · 3 not found · 4 refused or not
signed in · 5 timed out · 6 what was waited for has failed.`,
		SilenceUsage: true, SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q%s", args[0], suggestion(cmd, args[0]))
			}
			return nil
		},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error { return c.before() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err.Error()} })
	f := root.PersistentFlags()
	f.StringVarP(&c.output, "output", "o", "table", "table, wide, json or yaml")
	f.StringVarP(&c.project, "project", "p", os.Getenv("HYDRA_PROJECT"), "project; default: $HYDRA_PROJECT, the one set by hydra login, or the only one there is")
	f.StringVar(&c.server, "server", "", "address of the gateway; default: $HYDRA_SERVER, hydra login, or the instance on this machine")
	f.StringVar(&c.token, "token", "", "bearer token; default: $HYDRA_TOKEN, hydra login, or the instance on this machine")
	f.StringVar(&c.dataDir, "data-dir", platform.DefaultDataDir(), "data directory of the instance on this machine; also $HYDRA_DATA_DIR")
	f.BoolVarP(&c.wait, "wait", "w", false, "wait for the outcome")
	f.DurationVar(&c.timeout, "timeout", 0, "how long to wait; default 10m, for hydra up 2m")
	f.BoolVarP(&c.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&c.noColor, "no-color", false, "no colours; also $NO_COLOR")
	for _, group := range []*cobra.Group{
		{ID: groupPlatform, Title: "Platform:"}, {ID: groupWork, Title: "Daily work:"}, {ID: groupAdmin, Title: "Set up and administer:"},
	} {
		root.AddGroup(group)
	}
	root.AddCommand(
		c.upCommand(), c.downCommand(), c.statusCommand(), c.doctorCommand(), c.flowCommand(),
		c.deployCommand(), c.appCommand(), c.logsCommand(), c.buildsCommand(), c.releasesCommand(), c.rollbackCommand(), c.scaleCommand(), c.eventsCommand(),
		c.loginCommand(), c.logoutCommand(), c.whoamiCommand(), c.projectCommand(), c.webhookCommand(), c.tokenCommand(), c.clusterCommand(),
		c.versionCommand(), c.completionCommand(), c.docsCommand(), c.warmCommand(),
	)
	root.SetHelpCommandGroupID(groupAdmin)
	return root
}

const (
	groupPlatform = "platform"
	groupWork     = "work"
	groupAdmin    = "admin"
)

// before settles what every command needs.
func (c *cli) before() error {
	format, err := term.ParseFormat(c.output)
	if err != nil {
		return &usageError{err.Error()}
	}
	c.print = &term.Printer{Out: c.out, Format: format, Color: !c.noColor && term.WantsColor(c.out)}
	return nil
}

// progress shows on stderr that something takes time, so that stdout stays
// for results.
func (c *cli) progress(text string) *term.Progress {
	return term.NewProgress(c.err, !c.noColor && term.WantsColor(c.err), text)
}

// patience bounds waiting; def is used without --timeout.
func (c *cli) patience(ctx context.Context, def time.Duration) (context.Context, context.CancelFunc) {
	if c.timeout > 0 {
		def = c.timeout
	}
	return context.WithTimeoutCause(ctx, def, &timeoutError{def})
}

// client is connected by flags, environment, `hydra login` or a local
// instance, in this order.
func (c *cli) client() (*api.Client, error) {
	file, err := readLogin()
	if err != nil {
		return nil, err
	}
	out := &api.Client{Agent: "hydra/" + c.version}
	first := func(values ...string) string {
		for _, v := range values {
			if v != "" {
				return v
			}
		}
		return ""
	}
	out.BaseURL = first(c.server, os.Getenv("HYDRA_SERVER"))
	out.Token = first(c.token, os.Getenv("HYDRA_TOKEN"))
	dir, err := platform.OpenDir(c.dataDir)
	if err != nil {
		return nil, err
	}
	if state, err := dir.ReadState(); err == nil && state.URL != "" && out.BaseURL == "" && file.Server == "" {
		out.BaseURL = state.URL
	}
	out.BaseURL = first(out.BaseURL, file.Server)
	if out.BaseURL == "" {
		return nil, errNoServer
	}
	// A token is sent only to the server it belongs to.
	if out.Token == "" && sameServer(out.BaseURL, file.Server) {
		out.Token = file.Token
	}
	if state, err := dir.ReadState(); out.Token == "" && err == nil && sameServer(out.BaseURL, state.URL) {
		out.Token, _ = dir.Token()
	}
	return out, nil
}

func sameServer(a, b string) bool {
	return a != "" && strings.TrimRight(a, "/") == strings.TrimRight(b, "/")
}

// in returns the client together with the project to work in.
func (c *cli) inProject(ctx context.Context) (*api.Client, string, error) {
	client, err := c.client()
	if err != nil {
		return nil, "", err
	}
	if c.project != "" {
		return client, c.project, nil
	}
	if file, err := readLogin(); err == nil && file.Project != "" && sameServer(client.BaseURL, file.Server) {
		return client, file.Project, nil
	}
	projects, err := client.Projects(ctx)
	if err != nil {
		return nil, "", err
	}
	switch len(projects) {
	case 0:
		return nil, "", &notFoundError{"there is no project yet: create one with `hydra project create NAME`"}
	case 1:
		return client, projects[0].Name, nil
	}
	names := make([]string, len(projects))
	for i, p := range projects {
		names[i] = p.Name
	}
	return nil, "", usagef("there are several projects (%s): choose one with --project, or keep one with `hydra login --project NAME`", strings.Join(names, ", "))
}

// confirm asks before something is lost. Without a terminal it wants --yes.
func (c *cli) confirm(question string) error {
	if c.yes {
		return nil
	}
	if !term.IsTerminal(c.err) {
		return usagef("%s Confirm with --yes: there is no terminal to ask on", question)
	}
	_, _ = fmt.Fprintf(c.err, "%s [y/N] ", question)
	var answer string
	_, _ = fmt.Fscanln(c.in, &answer)
	if a := strings.ToLower(answer); a != "y" && a != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}
