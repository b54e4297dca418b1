// SPDX-License-Identifier: Apache-2.0

// Package buildkittest gives tests a real BuildKit of their own.
package buildkittest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/services/builder/buildkit"
)

// Daemon is a running buildkitd.
type Daemon struct {
	Address string

	t    testing.TB
	bin  string
	root string
	cmd  *exec.Cmd
	log  bytes.Buffer
}

// Binary returns where buildkitd is, or skips the test and says why.
func Binary(t testing.TB) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("skipped: builds need BuildKit, which needs root on Linux here")
	}
	dirs := []string{os.Getenv("HYDRA_BIN")}
	if _, file, _, ok := runtime.Caller(0); ok {
		dirs = append(dirs, filepath.Join(filepath.Dir(file), "../../../../bin"))
	}
	for _, dir := range dirs {
		if path := filepath.Join(dir, "buildkitd"); dir != "" {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	path, err := exec.LookPath("buildkitd")
	if err != nil {
		t.Skip("skipped: no buildkitd in $HYDRA_BIN, bin or PATH; make it from parts/buildkit")
	}
	return path
}

// Registry serves a registry in memory on a free port and returns host:port.
func Registry(t testing.TB) string {
	t.Helper()
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// Start runs a daemon that looks for images of Docker Hub in the registry
// first. Steps share the machine's network. It ends with the test.
func Start(t testing.TB, registry string) *Daemon {
	t.Helper()
	d := &Daemon{t: t, bin: Binary(t)}
	// A socket's path has little room, which t.TempDir with a long name takes.
	root, err := os.MkdirTemp("", "hbk")
	require.NoError(t, err)
	d.root, d.Address = root, "unix://"+filepath.Join(root, "s")
	config := fmt.Sprintf(`root = %q
[grpc]
  address = [%q]
[worker.containerd]
  enabled = false
[worker.oci]
  enabled = true
  gc = false
  defaultCgroupParent = %q
[registry.%q]
  http = true
[registry."docker.io"]
  mirrors = [%q]
`, filepath.Join(root, "data"), d.Address, filepath.Base(root), registry, registry+"/mirror/docker.io")
	require.NoError(t, os.WriteFile(filepath.Join(root, "config.toml"), []byte(config), 0o600))
	t.Cleanup(func() {
		d.Kill()
		if t.Failed() {
			t.Logf("buildkitd: %s", d.log.String())
		}
		d.clean()
	})
	d.Run()
	return d
}

// Data is the daemon's root directory.
func (d *Daemon) Data() string { return filepath.Join(d.root, "data") }

// Run starts the daemon, again after Kill, and waits until it answers.
func (d *Daemon) Run() {
	d.t.Helper()
	_, err := buildkit.Repair(d.t.Context(), d.Data())
	require.NoError(d.t, err)
	d.RunAsIs()
}

// RunAsIs is Run without repairing what a kill may have left.
func (d *Daemon) RunAsIs() {
	d.t.Helper()
	d.cmd = exec.Command(d.bin, "--config", filepath.Join(d.root, "config.toml"))
	d.cmd.Env = append(os.Environ(), "BUILDKIT_STEP_LOG_MAX_SIZE=-1", "BUILDKIT_STEP_LOG_MAX_SPEED=-1")
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(d.t, d.cmd.Start())
	require.Eventually(d.t, func() bool {
		ctx, cancel := context.WithTimeout(d.t.Context(), 2*time.Second)
		defer cancel()
		c, err := client.New(ctx, d.Address)
		if err != nil {
			return false
		}
		defer func() { _ = c.Close() }()
		workers, err := c.ListWorkers(ctx)
		return err == nil && len(workers) > 0
	}, 30*time.Second, 50*time.Millisecond, "buildkitd does not answer")
}

// Kill ends the daemon at once, as a crash would. It may be called twice.
func (d *Daemon) Kill() {
	if d.cmd != nil {
		_ = d.cmd.Process.Kill()
		_ = d.cmd.Wait()
		d.cmd = nil
	}
}

// RSS is the daemon's resident memory in KiB.
func (d *Daemon) RSS() string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	require.NoError(d.t, err)
	for line := range strings.Lines(string(data)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// clean removes what the daemon made. Steps outlive a daemon that was killed;
// they are found by the cgroup, which is this daemon's alone.
func (d *Daemon) clean() {
	groups, err := filepath.Glob("/sys/fs/cgroup/*/" + filepath.Base(d.root))
	require.NoError(d.t, err)
	groups = append(groups, filepath.Join("/sys/fs/cgroup", filepath.Base(d.root)))
	require.Eventually(d.t, func() bool {
		for _, group := range groups {
			killGroup(group)
		}
		for _, point := range mountPoints(d.root) {
			_ = syscall.Unmount(point, syscall.MNT_DETACH)
		}
		left := slices.ContainsFunc(groups, func(group string) bool { _, err := os.Stat(group); return err == nil })
		return os.RemoveAll(d.root) == nil && !left
	}, 10*time.Second, 50*time.Millisecond, "%s cannot be removed", d.root)
}

// killGroup ends the processes of a cgroup and of those below it, and removes
// what is empty by then.
func killGroup(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			killGroup(filepath.Join(dir, e.Name()))
		}
	}
	procs, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	for pid := range strings.FieldsSeq(string(procs)) {
		if n, err := strconv.Atoi(pid); err == nil && n > 1 {
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	}
	_ = os.Remove(dir)
}

// mountPoints are those below dir, the deepest first.
func mountPoints(dir string) (points []string) {
	data, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			points = append(points, fields[4])
		}
	}
	slices.Reverse(points)
	return points
}
