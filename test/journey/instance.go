// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
)

// Instance is a platform that `hydra up` runs from a data directory.
type Instance struct {
	Hydra   string // path of the binary
	DataDir string
	Out     io.Writer // receives what `hydra up` and `hydra down` print; may be nil
}

// State is what `hydra status -o json` tells.
type State struct {
	PID      int    `json:"pid"`
	URL      string `json:"url"`
	Entry    string `json:"entry"`
	NATS     string `json:"nats"`
	Registry string `json:"registry"`
	Memory   int64  `json:"memoryBytes"`
	Ports    struct {
		Gateway, Entry int
	} `json:"ports"`
	ReadyMS int64 `json:"readyMilliseconds"`
	Parts   []struct {
		Name    string `json:"part"`
		State   string `json:"state"`
		PID     int    `json:"pid"`
		ReadyMS int64  `json:"readyMilliseconds"`
		Memory  int64  `json:"memoryBytes"`
		Reason  string `json:"reason"`
	} `json:"parts"`
}

// Up starts the instance in the background and returns when all is ready.
func (i Instance) Up(ctx context.Context, args ...string) error {
	return i.run(ctx, append([]string{"up", "--detach"}, args...)...)
}

// Down stops it; purge removes its data as well.
func (i Instance) Down(ctx context.Context, purge bool) error {
	args := []string{"down", "--yes"}
	if purge {
		args = append(args, "--purge")
	}
	return i.run(ctx, args...)
}

// Status returns the state, or an error when nothing runs.
func (i Instance) Status(ctx context.Context) (State, error) {
	var s State
	out, err := i.command(ctx, "status", "-o", "json").Output()
	if len(out) == 0 {
		return s, fmt.Errorf("hydra status: %w", errors.Join(err, stderr(err)))
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return s, fmt.Errorf("hydra status: %w", err)
	}
	if s.PID == 0 {
		return s, fmt.Errorf("no instance runs in %s", i.DataDir)
	}
	return s, nil
}

func stderr(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return errors.New(strings.TrimSpace(string(exit.Stderr)))
	}
	return nil
}

// Client signs in with the token that the instance made for itself.
func (i Instance) Client(ctx context.Context) (*api.Client, State, error) {
	s, err := i.Status(ctx)
	if err != nil {
		return nil, s, err
	}
	token, err := i.Token()
	if err != nil {
		return nil, s, err
	}
	return &api.Client{BaseURL: s.URL, Token: token, Agent: "hydra-journey"}, s, nil
}

// Token is the administrator's.
func (i Instance) Token() (string, error) {
	token, err := os.ReadFile(filepath.Join(i.DataDir, "run", "token"))
	if err != nil {
		return "", fmt.Errorf("read login token: %w", err)
	}
	return strings.TrimSpace(string(token)), nil
}

func (i Instance) run(ctx context.Context, args ...string) error {
	cmd := i.command(ctx, args...)
	var kept bytes.Buffer
	cmd.Stdout, cmd.Stderr = &kept, &kept
	if i.Out != nil {
		// The program itself decides by its output whether it may draw.
		cmd.Stdout, cmd.Stderr = i.Out, i.Out
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("hydra %s: %w\n%s", strings.Join(args, " "), err, kept.Bytes())
	}
	return nil
}

func (i Instance) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, i.Hydra, append([]string{"--data-dir", i.DataDir}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	return cmd
}
