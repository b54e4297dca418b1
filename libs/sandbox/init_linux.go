// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Init is the first call in main of every program that uses a Box. In an
// ordinary process it returns false at once. In the process that Command
// started it is the sandbox's init: it returns true and the exit code when the
// program inside has ended, and main has to exit with that code.
func Init() (code int, isInit bool) {
	if len(os.Args) < 2 || os.Args[0] != initName || os.Getenv(envConfig) == "" {
		return 0, false
	}
	code, err := runInit(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "sandbox %s: %v\n", os.Getenv(EnvName), err)
		return 1, true
	}
	return code, true
}

func runInit(argv []string) (int, error) {
	var cfg Config
	if err := json.Unmarshal([]byte(os.Getenv(envConfig)), &cfg); err != nil {
		return 1, fmt.Errorf("read settings: %w", err)
	}
	if os.Getpid() != 1 {
		return 1, errors.New("the init is not pid 1; it is started by Box.Command only")
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	if err := setUpMounts(cfg); err != nil {
		return 1, err
	}
	if err := setUpNetwork(cfg.Network); err != nil {
		return 1, err
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return 1, fmt.Errorf("find %s: %w", argv[0], err)
	}
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, envConfig+"=") })
	pid, err := syscall.ForkExec(path, argv, &syscall.ProcAttr{
		Env: env, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return 1, fmt.Errorf("start %s: %w", argv[0], err)
	}
	go func() {
		for sig := range signals {
			_ = syscall.Kill(pid, sig.(syscall.Signal)) //nolint:forcetypeassert // os/signal delivers nothing else on Linux
		}
	}()
	debug.FreeOSMemory() // from here on this process only waits
	return reap(pid)
}

// reap collects every process that ends in the sandbox, orphans included, and
// returns the exit code of the main one, as a shell would report it.
func reap(pid int) (int, error) {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 1, fmt.Errorf("wait for children: %w", err)
		case got == pid && status.Signaled():
			return 128 + int(status.Signal()), nil
		case got == pid && status.Exited():
			return status.ExitStatus(), nil
		}
	}
}
