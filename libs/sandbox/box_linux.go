// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// initName is the name the init runs under and is recognised by.
const initName = "hydra-sandbox-init"

// envConfig carries the configuration to the init.
const envConfig = "HYDRA_SANDBOX_CONFIG"

// Box is one sandbox: first Command, then, when the command was started, Attach.
type Box struct{ cfg Config }

// New returns the sandbox that cfg describes, or an error naming the setting
// that cannot work.
func New(cfg Config) (*Box, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Box{cfg: cfg}, nil
}

// Command returns a command that runs argv inside the sandbox, not yet started.
// With a Network the program starts inside only after Attach was called with
// the id of the started process. SIGTERM and SIGINT are passed on to it, and its
// exit code is passed back. Whoever calls Start keeps the calling thread alive
// (supervise does): the kernel kills the sandbox when that thread ends.
func (b *Box) Command(argv ...string) (*exec.Cmd, error) {
	cfg, err := json.Marshal(b.cfg)
	if err != nil {
		return nil, fmt.Errorf("encode the settings of sandbox %s: %w", b.cfg.Name, err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = append([]string{initName}, argv...)
	cmd.Env = append(os.Environ(), envConfig+"="+string(cfg), EnvName+"="+b.cfg.Name)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
		Setpgid:    true,
	}
	return cmd, nil
}
