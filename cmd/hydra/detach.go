// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/hydra-platform/hydra/cmd/hydra/platform"
)

// envDetached is set for the process that goes on in the background.
const envDetached = "HYDRA_DETACHED"

// detach runs the same command line again in a session of its own, shows its
// parts as if it were here, and returns when all are ready.
func (c *cli) detach(ctx context.Context, dir platform.Dir, view *upView) error {
	if err := os.MkdirAll(dir.Path("logs"), 0o700); err != nil {
		return fmt.Errorf("make the log directory: %w", err)
	}
	out, err := os.Create(dir.Path("logs", "up.log"))
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer func() { _ = out.Close() }()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(self, os.Args[1:]...) //nolint:gosec // this very program
	cmd.Env = append(os.Environ(), envDetached+"=1")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start in the background: %w", err)
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()

	limit, cancel := c.patience(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-gone:
			text := dir.ReadLogTail("up", 30)
			return fmt.Errorf("it ended before it was ready (%w):\n%s", errors.Join(err), text)
		case <-limit.Done():
			if ctx.Err() != nil { // Ctrl-C means the whole start, not only the waiting
				_ = cmd.Process.Signal(syscall.SIGTERM)
				<-gone
				return ctx.Err()
			}
			return fmt.Errorf("%w; it goes on in the background: look with `hydra status`, stop it with `hydra down`", context.Cause(limit))
		case <-tick.C:
		}
		state, err := dir.Running(ctx)
		if err != nil || state.PID != cmd.Process.Pid {
			continue
		}
		for _, p := range state.Parts {
			view.change(p)
		}
		if state.ReadyMS > 0 {
			view.bar.Set("")
			view.welcome(state, dir, false)
			return nil
		}
	}
}
