// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !windows

package supervise

import (
	"os/exec"
	"syscall"
)

// bindToParent puts the child into a process group of its own. There is no
// kernel help here for a supervisor that is killed.
func bindToParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
}

// awaitExit cannot tell here; Wait both waits and reaps.
func awaitExit(int) bool { return false }
