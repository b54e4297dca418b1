// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Leftovers names what a sandbox may have left outside its namespaces.
type Leftovers struct {
	// Name is the sandbox's name.
	Name string
	// Cgroups are names directly below the root of each cgroup hierarchy, such
	// as "hydra-demo". Processes still in them are killed.
	Cgroups []string
	// Dirs are directories below which nothing may be mounted on the host.
	Dirs []string
}

// Sweep removes what a sandbox left on the host, whether it was stopped or
// killed. It is safe to call when there is nothing, and before each start.
func Sweep(ctx context.Context, l Leftovers) error {
	unlock, err := lockNetwork(ctx)
	if err != nil {
		return err
	}
	err = errors.Join(deleteLink(LinkName(l.Name)), removeEgress(l.Name))
	unlock()
	for _, name := range l.Cgroups {
		err = errors.Join(err, removeCgroup(ctx, name))
	}
	for _, dir := range l.Dirs {
		err = errors.Join(err, unmountBelow(dir))
	}
	return err
}

// CgroupMounts returns where the cgroup hierarchies of this host are mounted.
func CgroupMounts() ([]string, error) {
	return mountPoints(func(m mount) bool { return m.fsType == "cgroup" || m.fsType == "cgroup2" })
}

// removeCgroup kills what is left in the cgroup, in every hierarchy, and
// removes it. The kernel refuses while a killed process is still being taken
// down, so this tries again for a moment.
func removeCgroup(ctx context.Context, name string) error {
	if name == "" || name != filepath.Base(name) || name == "." || name == ".." {
		return fmt.Errorf("remove cgroup %q: want a plain name", name)
	}
	roots, err := CgroupMounts()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		var left error
		for _, root := range roots {
			left = errors.Join(left, emptyCgroup(filepath.Join(root, name)))
		}
		if left == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove cgroup %s: %w", name, left)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func emptyCgroup(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir():
			dirs = append(dirs, path)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("walk %s: %w", dir, err)
	}
	slices.Reverse(dirs) // children first
	for _, d := range dirs {
		pids, _ := os.ReadFile(filepath.Join(d, "cgroup.procs"))
		for line := range strings.FieldsSeq(string(pids)) {
			if pid, err := strconv.Atoi(line); err == nil && pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if err := os.Remove(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", d, err)
		}
	}
	return nil
}

func unmountBelow(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil //nolint:nilerr // a directory that is gone has no mounts
	}
	points, err := mountPoints(func(m mount) bool { return m.point != real && below(real, m.point) })
	if err != nil {
		return err
	}
	slices.Reverse(points) // the last mounted first
	for _, p := range points {
		if uerr := unix.Unmount(p, unix.MNT_DETACH); uerr != nil && !errors.Is(uerr, unix.EINVAL) {
			err = errors.Join(err, fmt.Errorf("unmount %s: %w", p, uerr))
		}
	}
	return err
}

type mount struct{ point, fsType string }

// mountPoints reads the mount points of this process that match, in mount order.
func mountPoints(match func(mount) bool) ([]string, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read mounts: %w", err)
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		if m, ok := parseMount(line); ok && match(m) {
			out = append(out, m.point)
		}
	}
	return out, nil
}

// parseMount reads one line of mountinfo, see proc_pid_mountinfo(5).
func parseMount(line string) (mount, bool) {
	left, right, ok := strings.Cut(line, " - ")
	fields, tail := strings.Fields(left), strings.Fields(right)
	if !ok || len(fields) < 6 || len(tail) < 1 {
		return mount{}, false
	}
	return mount{point: unescape(fields[4]), fsType: tail[0]}, true
}

// unescape undoes the kernel's octal escapes of blanks and backslashes.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
