// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hydra-platform/hydra/libs/sandbox"
)

// Sweep removes what an instance that is not running left on the machine: its
// processes, links, iptables rules, cgroups and mounts. Its data stays.
func Sweep(ctx context.Context, d Dir) error {
	for _, pid := range d.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return errors.Join(
		sandbox.Sweep(ctx, sandbox.Leftovers{Name: d.buildSandbox(), Cgroups: []string{d.buildCgroup()}, Dirs: []string{d.Path("buildkit")}}),
		sandbox.Sweep(ctx, sandbox.Leftovers{Name: d.nodeSandbox(), Cgroups: []string{d.nodeCgroup()}, Dirs: []string{d.Path("node")}}),
	)
}

// Leftovers names everything of an instance that is still on the machine
// beside its data. It is empty after an orderly stop.
func (d Dir) Leftovers() []string {
	var out []string
	for _, pid := range d.processes() {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		out = append(out, fmt.Sprintf("process %d (%s)", pid, strings.TrimSpace(string(name))))
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
		for line := range strings.Lines(string(mounts)) {
			if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], d.path+"/") {
				out = append(out, "mount "+f[4])
			}
		}
	}
	for _, box := range []string{d.buildSandbox(), d.nodeSandbox()} {
		if link := sandbox.LinkName(box); linkExists(link) {
			out = append(out, "network interface "+link)
		}
		out = append(out, iptablesLines("hydra:"+box)...)
	}
	roots, _ := sandbox.CgroupMounts()
	for _, root := range roots {
		for _, name := range []string{d.buildCgroup(), d.nodeCgroup()} {
			if _, err := os.Stat(filepath.Join(root, name)); err == nil {
				out = append(out, "cgroup "+filepath.Join(root, name))
			}
		}
	}
	return out
}

func linkExists(name string) bool { _, err := net.InterfaceByName(name); return err == nil }

func iptablesLines(comment string) []string {
	var out []string
	for _, table := range []string{"filter", "nat"} {
		rules, err := exec.Command("iptables", "-w", "5", "-t", table, "-S").Output()
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(rules)) {
			if strings.Contains(line, comment) {
				out = append(out, "iptables rule in "+table+": "+strings.TrimSpace(line))
			}
		}
	}
	return out
}

// processes are those of the instance's sandboxes and children: each carries
// the sandbox's name or the data directory in its environment.
func (d Dir) processes() []int {
	marks := []string{
		sandbox.EnvName + "=" + d.buildSandbox(), sandbox.EnvName + "=" + d.nodeSandbox(), envInstance + "=" + d.Instance(),
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err != nil {
			continue
		}
		for kv := range strings.SplitSeq(string(env), "\x00") {
			for _, mark := range marks {
				if kv == mark {
					out = append(out, pid)
				}
			}
		}
	}
	return out
}

// Down stops the instance of a data directory, whether its process is alive or
// not, and returns what could not be removed.
func Down(ctx context.Context, d Dir) (wasRunning bool, left []string, err error) {
	if pid := d.owner(); pid != 0 {
		wasRunning = true
		if res, cerr := d.control(ctx, "POST", "/stop"); cerr == nil {
			_ = res.Body.Close()
		} else {
			// It holds the lock and does not answer: the signal is what is left.
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
		if err := d.awaitEnd(ctx); err != nil {
			return true, d.Leftovers(), err
		}
	}
	release, err := d.lock()
	if errors.Is(err, os.ErrNotExist) {
		return wasRunning, d.Leftovers(), nil
	}
	if err != nil {
		return wasRunning, nil, err
	}
	defer release()
	err = Sweep(ctx, d)
	_ = os.Remove(d.socket())
	// A killed process takes a moment until it is gone from the table.
	for deadline := time.Now().Add(3 * time.Second); ; pause(ctx, 50*time.Millisecond) {
		if left = d.Leftovers(); len(left) == 0 || time.Now().After(deadline) || ctx.Err() != nil {
			return wasRunning, left, err
		}
	}
}

func (d Dir) awaitEnd(ctx context.Context) error {
	for d.owner() != 0 {
		if ctx.Err() != nil {
			return fmt.Errorf("process %d did not stop in time: look into %s, or end it with `kill -9 %d` and run `hydra down` again", d.owner(), d.Path("logs", "hydra.log"), d.owner())
		}
		pause(ctx, 50*time.Millisecond)
	}
	return nil
}

// Purge removes the data directory of an instance that is not running.
func Purge(d Dir) error {
	if pid := d.owner(); pid != 0 {
		return &InUseError{Dir: d.path, PID: pid}
	}
	if left := d.Leftovers(); len(left) > 0 {
		return fmt.Errorf("remove %s: %s is still there: run `hydra down` first", d.path, left[0])
	}
	// A directory that is not ours is not deleted because of a mistyped flag.
	if _, err := os.Stat(d.Path("run", "lock")); err != nil {
		return fmt.Errorf("remove %s: it is not a data directory of Hydra: %w", d.path, err)
	}
	return os.RemoveAll(d.path)
}

// Exists reports whether the directory has been one of Hydra's.
func (d Dir) Exists() bool {
	_, err := os.Stat(d.Path("run", "lock"))
	return err == nil
}

// String is the directory's path.
func (d Dir) String() string { return d.path }
