// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package sandboxtest lists what programs leave on a Linux machine, so that a
// test can show that a stopped sandbox left nothing.
package sandboxtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hydra-platform/hydra/libs/sandbox"
	"github.com/vishvananda/netlink"
)

// T is what is needed of testing.TB.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Snapshot returns one line for each process, mount, network interface, network
// namespace, route, iptables rule and cgroup directory that any of the marks
// occurs in. Marks are names only the tested sandbox uses: its name, its data
// directory, its link. Other programs may come and go on the machine meanwhile.
func Snapshot(t T, marks ...string) []string {
	t.Helper()
	var all []string
	for _, list := range []func() ([]string, error){processes, mounts, links, namespaces, routes, rules, cgroups} {
		lines, err := list()
		if err != nil {
			t.Fatalf("list what is on this machine: %v", err)
		}
		all = append(all, lines...)
	}
	return slices.DeleteFunc(all, func(line string) bool {
		return !slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(line, mark) })
	})
}

// Gone waits until nothing with one of the marks is left: the kernel takes
// namespaces down after their last process has ended.
func Gone(t T, marks ...string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := Snapshot(t, marks...)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind:\n%s", strings.Join(left, "\n"))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func processes() ([]string, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var out []string
	for _, dir := range dirs {
		if dir == fmt.Sprintf("/proc/%d", os.Getpid()) {
			continue // knows the marks because it is the test
		}
		read := func(name string) string { // a process may end while it is looked at
			data, _ := os.ReadFile(filepath.Join(dir, name))
			return strings.ReplaceAll(string(data), "\x00", " ")
		}
		var origin []string
		for kv := range strings.FieldsSeq(read("environ")) {
			if strings.HasPrefix(kv, sandbox.EnvName+"=") {
				origin = append(origin, kv)
			}
		}
		if read("cmdline") == "" {
			continue // a kernel thread or a process already dead
		}
		out = append(out, fmt.Sprintf("process %s %s %v %s", filepath.Base(dir), read("cmdline"), origin, strings.ReplaceAll(read("cgroup"), "\n", " ")))
	}
	return out, nil
}

func mounts() ([]string, error) { return fileLines("mount", "/proc/self/mountinfo") }

func links() ([]string, error) {
	all, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	out := make([]string, len(all))
	for i, l := range all {
		out[i] = "link " + l.Attrs().Name
	}
	return out, nil
}

func namespaces() ([]string, error) {
	names, err := filepath.Glob("/run/netns/*")
	for i := range names {
		names[i] = "netns " + names[i]
	}
	return names, err
}

func routes() ([]string, error) { return fileLines("route", "/proc/net/route") }

func rules() ([]string, error) {
	if _, err := exec.LookPath("iptables-save"); err != nil {
		return nil, nil //nolint:nilerr // no iptables, no rules
	}
	out, err := exec.Command("iptables-save").Output()
	if err != nil {
		return nil, fmt.Errorf("list iptables rules: %w", err)
	}
	return prefixed("iptables", string(out)), nil
}

func cgroups() ([]string, error) {
	roots, err := sandbox.CgroupMounts()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, root := range roots {
		dirs, err := filepath.Glob(root + "/*") // files as well: they carry no marks
		if err != nil {
			return nil, fmt.Errorf("list cgroups: %w", err)
		}
		for _, dir := range dirs {
			out = append(out, "cgroup "+dir)
		}
	}
	return out, nil
}

func fileLines(kind, path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	return prefixed(kind, string(data)), nil
}

func prefixed(kind, text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, kind+" "+strings.TrimSpace(line))
	}
	return out
}
