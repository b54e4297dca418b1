// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child runs one process from its start to its end. It owns the operating
// system thread meanwhile: the kernel ties "kill the child when its parent
// dies" to the thread that created the child, and Go ends idle threads. probe
// is started when the process is set up.
func (s *Supervisor) child(life context.Context, u *unit, probe func()) error {
	cmd, err := u.Cmd(life)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", u.Name, err)
	}
	last := &lastLine{to: u.Log}
	if cmd.Stdout == nil && cmd.Stderr == nil && u.Log != nil {
		cmd.Stdout, cmd.Stderr = last, last
	}
	// A grandchild that keeps the pipe open must not keep the part "running".
	cmd.WaitDelay = 2 * time.Second
	bindToParent(cmd)

	done, started := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, after the child has
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		if awaitExit(cmd.Process.Pid) {
			// The leader is dead but not reaped, so its group id cannot have been reused.
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		done <- cmd.Wait()
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", u.Name, err)
	}
	s.setPID(u, cmd.Process.Pid)
	if u.Started != nil {
		if err := u.Started(life, cmd); err != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-done
			return fmt.Errorf("set up %s: %w", u.Name, err)
		}
	}
	go probe()
	select {
	case err := <-done:
		return describe(cmd, err, last)
	case <-life.Done():
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-done:
		return describe(cmd, err, last)
	case <-time.After(u.StopTimeout):
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return describe(cmd, <-done, last)
}

// describe says how a process ended, with the last thing it said: that is
// usually why.
func describe(cmd *exec.Cmd, err error, last *lastLine) error {
	state := cmd.ProcessState
	if state == nil || state.Success() {
		return err
	}
	if said := last.String(); said != "" {
		return fmt.Errorf("process %d ended: %s: %s", state.Pid(), state, said)
	}
	return fmt.Errorf("process %d ended: %s", state.Pid(), state)
}
