// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	xterm "golang.org/x/term"
	"sigs.k8s.io/yaml"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/platform"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

// login is what `hydra login` keeps.
type login struct {
	Server  string `json:"server"`
	Token   string `json:"token"`
	Project string `json:"project,omitempty"`
}

func loginPath() (string, error) {
	if path := os.Getenv("HYDRA_CONFIG_FILE"); path != "" {
		return path, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the configuration directory: %w: set HYDRA_CONFIG_FILE", err)
	}
	return filepath.Join(dir, "hydra", "config.yaml"), nil
}

func readLogin() (l login, err error) {
	path, err := loginPath()
	if err != nil {
		return l, nil //nolint:nilerr // without a home there is no login
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("read login: %w", err)
	}
	if err := yaml.UnmarshalStrict(data, &l); err != nil {
		return l, fmt.Errorf("read login from %s: %w: mend it, or sign in again with `hydra login`", path, err)
	}
	return l, nil
}

func (l login) write() (string, error) {
	path, err := loginPath()
	if err != nil {
		return "", err
	}
	data, err := yaml.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("keep login: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep login: %w", err)
	}
	// A file that is there keeps its mode, so a new one takes its place.
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return "", fmt.Errorf("keep login: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return "", fmt.Errorf("keep login: %w", err)
	}
	return path, nil
}

func (c *cli) loginCommand() *cobra.Command {
	return &cobra.Command{
		Use: "login [URL]", GroupID: groupAdmin, Short: "Keep a server and a token for later commands",
		Long: `Login checks a token and keeps it, readable for you alone, in
~/.config/hydra/config.yaml. Without --token it is asked for, or read from
standard input. Without URL the instance on this machine is meant.`,
		Example: `  hydra login
  hydra login https://hydra.example.com --token hydra_... --project shop
  echo "$TOKEN" | hydra login https://hydra.example.com`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return c.login(cmd.Context(), args) },
	}
}

func (c *cli) login(ctx context.Context, args []string) error {
	l := login{Token: c.token, Project: c.project}
	dir, err := platform.OpenDir(c.dataDir)
	if err != nil {
		return err
	}
	state, _ := dir.ReadState() // there may be none
	switch {
	case len(args) > 0:
		l.Server = strings.TrimRight(args[0], "/")
	case c.server != "":
		l.Server = strings.TrimRight(c.server, "/")
	case state.URL != "":
		l.Server = state.URL
	default:
		return usagef("name the server: there is no instance on this machine")
	}
	if u, err := url.Parse(l.Server); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return usagef("server %q: want an address such as https://hydra.example.com", l.Server)
	}
	if l.Token == "" && sameServer(l.Server, state.URL) {
		l.Token, _ = dir.Token()
	}
	if l.Token == "" {
		if l.Token, err = c.askToken(); err != nil {
			return err
		}
	}
	client := &api.Client{BaseURL: l.Server, Token: l.Token, Agent: "hydra/" + c.version}
	who, err := client.Whoami(ctx)
	if err != nil {
		return err
	}
	path, err := l.write()
	if err != nil {
		return err
	}
	c.print.Line("Signed in to %s as %s; kept in %s", l.Server, c.print.Bold(who.Name), path)
	if c.print.Format == term.JSON || c.print.Format == term.YAML {
		return c.print.Print(map[string]any{"server": l.Server, "name": who.Name, "admin": who.Admin, "file": path}, term.Columns{}, nil)
	}
	return nil
}

func (c *cli) askToken() (string, error) {
	if f, ok := c.in.(*os.File); ok && xterm.IsTerminal(int(f.Fd())) {
		_, _ = fmt.Fprint(c.err, "Token: ")
		data, err := xterm.ReadPassword(int(f.Fd()))
		_, _ = fmt.Fprintln(c.err)
		if err != nil {
			return "", fmt.Errorf("read token: %w", err)
		}
		return strings.TrimSpace(string(data)), nil
	}
	line, _ := bufio.NewReader(c.in).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", usagef("a token is needed: pass --token, or write it to standard input")
	}
	return line, nil
}

func (c *cli) logoutCommand() *cobra.Command {
	return &cobra.Command{
		Use: "logout", GroupID: groupAdmin, Short: "Forget the server and the token", Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			path, err := loginPath()
			if err != nil {
				return err
			}
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("forget login: %w", err)
			}
			c.print.Line("Signed out")
			return nil
		},
	}
}

func (c *cli) whoamiCommand() *cobra.Command {
	return &cobra.Command{
		Use: "whoami", GroupID: groupAdmin, Short: "Say which server and token are used", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			who, err := client.Whoami(cmd.Context())
			if err != nil {
				return err
			}
			projects := strings.Join(who.Projects, ", ")
			if who.Admin {
				projects = "all"
			}
			value := struct {
				Server string `json:"server"`
				api.Identity
			}{client.BaseURL, who}
			return c.print.Print(value, term.Columns{Names: []string{"name", "admin", "projects", "server"}},
				[][]string{{who.Name, fmt.Sprint(who.Admin), term.Or(projects), client.BaseURL}})
		},
	}
}
