// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/cmd/hydra/platform"
	"github.com/hydra-platform/hydra/libs/sandbox"
	"github.com/hydra-platform/hydra/libs/sandbox/sandboxtest"
)

// envAsHydra makes the test program behave as hydra itself.
const envAsHydra = "HYDRA_TEST_AS_HYDRA"

// instance is one `hydra up` with a data directory of its own.
type instance struct {
	t   *testing.T
	dir platform.Dir
	bin string
}

// needsPlatform skips where nothing of the real platform can run.
func needsPlatform(t *testing.T) (bin string) {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped with -short: starts the whole platform")
	}
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("skipped: hydra up needs Linux and root")
	}
	bin, err := filepath.Abs("../../bin")
	require.NoError(t, err)
	for _, program := range platform.Binaries() {
		if _, err := os.Stat(filepath.Join(bin, program)); err != nil {
			t.Skipf("skipped: bin/%s is not built, run `make build`", program)
		}
	}
	return bin
}

func newInstance(t *testing.T, bin string) *instance {
	t.Helper()
	// Short, because sockets below it have short names.
	path, err := os.MkdirTemp("/tmp", "hy")
	require.NoError(t, err)
	dir, err := platform.OpenDir(path)
	require.NoError(t, err)
	i := &instance{t: t, dir: dir, bin: bin}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if t.Failed() {
			t.Log(dir.ReadLogTail("hydra", 30), dir.ReadLogTail("up", 30), dir.ReadLogTail("node", 10))
		}
		_, _, _ = platform.Down(ctx, dir)
		_ = os.RemoveAll(path)
	})
	return i
}

// marks occur in the name of whatever an instance leaves on the machine.
func (i *instance) marks() []string {
	name := i.dir.Instance()
	return []string{i.dir.String() + "/", name, sandbox.LinkName(name + "-build"), sandbox.LinkName(name + "-node")}
}

func (i *instance) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append(args, "--data-dir", i.dir.String())...)
	cmd.Env = append(os.Environ(), envAsHydra+"=1", "HYDRA_BIN="+i.bin, "HYDRA_CONFIG_FILE="+i.dir.Path("none.yaml"), "NO_COLOR=1")
	return cmd
}

func (i *instance) hydra(args ...string) result {
	i.t.Helper()
	var out, errs bytes.Buffer
	cmd := i.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		require.NoError(i.t, err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

func (i *instance) up() {
	i.t.Helper()
	r := i.hydra("up", "--detach", "--port-base", "0", "--timeout", "4m")
	require.Equal(i.t, codeOK, r.code, r.err)
	require.Contains(i.t, r.err, "Hydra is ready after")
	require.Contains(i.t, r.err, "hydra_", "the token is shown")
}

func (i *instance) status() platform.State {
	i.t.Helper()
	var s platform.State
	r := i.hydra("status", "-o", "json")
	require.NoError(i.t, json.Unmarshal([]byte(r.out), &s), r.err)
	return s
}

func (i *instance) part(name string) platform.Part {
	i.t.Helper()
	for _, p := range i.status().Parts {
		if p.Name == name {
			return p
		}
	}
	i.t.Fatalf("there is no part %s", name)
	return platform.Part{}
}

// TestUp runs two instances beside each other, kills one, and counts what is
// left of both.
func TestUp(t *testing.T) {
	bin := needsPlatform(t)
	a, b := newInstance(t, bin), newInstance(t, bin)
	marks := append(a.marks(), b.marks()...)
	require.Empty(t, withoutMe(sandboxtest.Snapshot(t, marks...)), "nothing is there before")

	var wg sync.WaitGroup
	for _, i := range []*instance{a, b} {
		wg.Go(i.up)
	}
	wg.Wait()
	first, second := a.status(), b.status()
	require.NotEqual(t, first.Ports, second.Ports)
	require.NotEmpty(t, withoutMe(sandboxtest.Snapshot(t, marks...)), "the counters see a running instance")
	for _, p := range append(first.Parts, second.Parts...) {
		require.Equal(t, "ready", p.State, p.Name)
	}
	require.Equal(t, codeOK, a.hydra("project", "create", "mine").code)
	require.NotContains(t, b.hydra("project", "list").out, "mine")

	t.Run("SecondOnTheSameDirectory", func(t *testing.T) {
		r := a.hydra("up", "--port-base", "0")
		require.Equal(t, codeError, r.code)
		require.Contains(t, r.err, "is in use by `hydra up` with process id")
		require.Equal(t, first.PID, a.status().PID)
	})
	t.Run("PartThatDies", func(t *testing.T) {
		before := a.part("buildkit")
		require.NoError(t, syscall.Kill(before.PID, syscall.SIGKILL))
		require.Eventually(t, func() bool {
			p := a.part("buildkit")
			return p.State == "ready" && p.Restarts > before.Restarts && p.PID != before.PID
		}, time.Minute, 200*time.Millisecond)
	})
	t.Run("Killed", func(t *testing.T) {
		require.NoError(t, syscall.Kill(first.PID, syscall.SIGKILL))
		require.Eventually(t, func() bool { return a.hydra("status").code == codeNotFound }, 30*time.Second, 100*time.Millisecond)
		a.up()
		require.Contains(t, a.hydra("project", "list").out, "mine", "the data is there again")
		require.Equal(t, first.Ports, a.status().Ports)
		require.Equal(t, second.PID, b.status().PID)
		require.True(t, b.status().Ready(), "the other instance did not notice")
	})
	t.Run("DownAfterKill", func(t *testing.T) {
		require.NoError(t, syscall.Kill(a.status().PID, syscall.SIGKILL))
		r := a.hydra("down")
		require.Equal(t, codeOK, r.code, r.out+r.err)
		require.Contains(t, r.out, "no process, mount, interface, iptables rule or cgroup is left")
		sandboxtest.Gone(t, a.marks()...)
	})
	r := b.hydra("down", "--purge", "--yes")
	require.Equal(t, codeOK, r.code, r.out+r.err)
	require.NoDirExists(t, b.dir.String())
	sandboxtest.Gone(t, marks...)
}

// TestUpInTheForeground stops on a signal, and only once.
func TestUpInTheForeground(t *testing.T) {
	bin := needsPlatform(t)
	i := newInstance(t, bin)
	cmd := i.command("up", "--port-base", "0", "--only", "gateway")
	out := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "Hydra is ready after") }, time.Minute, 50*time.Millisecond)
	require.NotContains(t, out.String(), "\x1b[")
	require.NotContains(t, out.String(), "node", "the gateway alone needs no cluster")
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), out.String())
	require.Contains(t, out.String(), "Stopped")
	sandboxtest.Gone(t, i.marks()...)
}

// withoutMe leaves the command lines of this test's own processes out.
func withoutMe(lines []string) []string {
	var out []string
	for _, l := range lines {
		if !strings.Contains(l, "go test") {
			out = append(out, l)
		}
	}
	return out
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
