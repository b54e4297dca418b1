// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/cmd/hydra/flow"
	"github.com/hydra-platform/hydra/libs/sandbox"
)

var update = flag.Bool("update", false, "write generated files and golden output")

func TestMain(m *testing.M) {
	// The platform's tests start sandboxes, and hydra, out of this very program.
	if code, isInit := sandbox.Init(); isInit {
		os.Exit(code)
	}
	if os.Getenv(envAsHydra) != "" {
		main()
	}
	os.Exit(m.Run())
}

// result of one command line.
type result struct {
	code     int
	out, err string
}

// runCLI runs a command line with no login and an empty data directory.
func runCLI(t *testing.T, ctx context.Context, in string, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	c := &cli{in: strings.NewReader(in), out: &out, err: &err, version: "test"}
	code := c.run(ctx, args)
	return result{code, out.String(), err.String()}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run `go test . -update`")
	require.Equal(t, string(want), got, "run `go test . -update` and look at the difference")
}

func TestHelp(t *testing.T) {
	t.Setenv("HYDRA_DATA_DIR", "/data")
	t.Setenv("HYDRA_PROJECT", "")
	golden(t, "help.txt", runCLI(t, t.Context(), "", "--help").out)
	golden(t, "up.txt", runCLI(t, t.Context(), "", "up", "--help").out)
}

func TestEveryCommandHasHelpAndRefusesNonsense(t *testing.T) {
	t.Setenv("HYDRA_DATA_DIR", t.TempDir())
	t.Setenv("HYDRA_CONFIG_FILE", filepath.Join(t.TempDir(), "config.yaml"))
	root := (&cli{}).root()
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Name() == "help" {
			return
		}
		path := strings.Fields(cmd.CommandPath())[1:]
		t.Run(strings.Join(append([]string{"hydra"}, path...), "_"), func(t *testing.T) {
			require.NotEmpty(t, cmd.Short)
			r := runCLI(t, t.Context(), "", append(path, "--help")...)
			require.Equal(t, codeOK, r.code)
			require.Contains(t, r.out, "Usage:")
			r = runCLI(t, t.Context(), "", append(path, "--no-such-flag")...)
			require.Equal(t, codeUsage, r.code, r.err)
			require.Contains(t, r.err, "--help`")
		})
		for _, child := range cmd.Commands() {
			walk(child)
		}
	}
	walk(root)
}

func TestUsageErrors(t *testing.T) {
	t.Setenv("HYDRA_DATA_DIR", t.TempDir())
	t.Setenv("HYDRA_CONFIG_FILE", filepath.Join(t.TempDir(), "config.yaml"))
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"UnknownCommand":     {[]string{"frobnicate"}, codeUsage, `there is no command "frobnicate"`},
		"Misspelt":           {[]string{"projec"}, codeUsage, `did you mean "project"?`},
		"MisspeltBelow":      {[]string{"events", "tal"}, codeUsage, `did you mean "tail"?`},
		"MissingArgument":    {[]string{"logs"}, codeUsage, "usage: hydra logs APP"},
		"Format":             {[]string{"app", "list", "-o", "xml"}, codeUsage, "choose table, wide, json or yaml"},
		"ScaleNumber":        {[]string{"scale", "web=many"}, codeUsage, "want a number of replicas from 0 to 1000"},
		"ScaleNothing":       {[]string{"scale", "web"}, codeUsage, "APP=N"},
		"Revision":           {[]string{"rollback", "web", "vx"}, codeUsage, `revision "vx"`},
		"FileAndSHA":         {[]string{"deploy", "-f", "x", "--sha", "1234567"}, codeUsage, "exclude each other"},
		"NoFile":             {[]string{"deploy", "-f", "/no/such/app.yaml"}, codeError, "no gateway is known"},
		"Provider":           {[]string{"webhook", "create", "--provider", "svn"}, codeUsage, "choose github, gitlab or gitea"},
		"NoServer":           {[]string{"app", "list"}, codeError, "hydra up"},
		"NotRunning":         {[]string{"status"}, codeNotFound, "start it with `hydra up`"},
		"UnknownUnit":        {[]string{"up", "--only", "bilder"}, codeUsage, `there is no service "bilder"`},
		"PortBase":           {[]string{"up", "--port-base", "70000"}, codeUsage, "want 0 to 65000"},
		"GitRoot":            {[]string{"up", "--git-root", "/no/such/dir"}, codeUsage, "want a directory that exists"},
		"EventWithoutType":   {[]string{"events", "publish"}, codeUsage, "add --type"},
		"EventWithoutSource": {[]string{"events", "publish", "--type", "a.b"}, codeUsage, "add --source"},
		"Unreachable":        {[]string{"app", "list", "-p", "x", "--server", "http://127.0.0.1:1"}, codeError, "does not answer"},
		"TokenForNothing":    {[]string{"token", "create", "ci"}, codeUsage, "--for PROJECT, or --admin"},
		"Shell":              {[]string{"completion", "tcsh"}, codeUsage, "choose bash, zsh or fish"},
		"FlowFormat":         {[]string{"flow", "-o", "dot"}, codeUsage, "choose text, mermaid"},
	} {
		t.Run(name, func(t *testing.T) {
			r := runCLI(t, t.Context(), "", c.args...)
			require.Equal(t, c.code, r.code, r.err)
			require.Contains(t, r.err, c.says)
			require.Empty(t, r.out)
			require.NotContains(t, r.err, "\x1b[", "no colours without a terminal")
		})
	}
}

// TestFlow keeps docs/flow.md true, and every event of the catalogue in use.
func TestFlow(t *testing.T) {
	t.Parallel()
	g := flow.New(units())
	require.Empty(t, g.Unknown)
	require.Empty(t, g.Unemitted, "events of the catalogue that no service emits")
	golden(t, "../../../docs/flow.md", func() string { var b bytes.Buffer; g.Markdown(&b); return b.String() }())
	golden(t, "flow.txt", runCLI(t, t.Context(), "", "flow").out)
	golden(t, "flow.mmd", runCLI(t, t.Context(), "", "flow", "-o", "mermaid").out)
	require.Contains(t, runCLI(t, t.Context(), "", "flow", "-o", "json").out, `"unemitted": []`)
}

// TestReference keeps docs/cli.md true.
func TestReference(t *testing.T) {
	t.Setenv("HYDRA_DATA_DIR", "~/.hydra")
	t.Setenv("HYDRA_PROJECT", "")
	text, err := reference((&cli{version: "test"}).root())
	require.NoError(t, err)
	golden(t, "../../../docs/cli.md", string(text))
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		r := runCLI(t, t.Context(), "", "completion", shell)
		require.Equal(t, codeOK, r.code)
		require.Contains(t, r.out, "hydra")
	}
}
