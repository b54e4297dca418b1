// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// setUpMounts turns the copied mount table into the sandbox's own.
func setUpMounts(cfg Config) error {
	// Private cuts the ties to the host, shared then lets containers inside see
	// mounts that are made later (Kubernetes' mount propagation).
	for _, how := range []uintptr{unix.MS_PRIVATE, unix.MS_SHARED} {
		if err := unix.Mount("", "/", "", unix.MS_REC|how, ""); err != nil {
			return fmt.Errorf("make mounts private: %w", err)
		}
	}
	targets, err := shadowTargets(cfg.Shadow)
	if err != nil {
		return err
	}
	kept, err := openKept(cfg)
	if err != nil {
		return err
	}
	for _, dir := range cfg.Private {
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
			return fmt.Errorf("make %s private: %w", dir, err)
		}
	}
	for _, k := range kept {
		if err := k.bindBack(); err != nil {
			return err
		}
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc of the new PID namespace: %w", err)
	}
	return mountShadows(cfg, targets)
}

// held is a host path that is shown inside, opened before anything is mounted
// on top of it.
type held struct {
	path string // inside
	dir  bool
	fd   int
}

func openKept(cfg Config) ([]held, error) {
	var out []held
	for inside, host := range cfg.Bind {
		fd, err := unix.Open(host, unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY, 0)
		if err != nil {
			return nil, fmt.Errorf("bind %s: %w", host, err)
		}
		out = append(out, held{path: inside, dir: true, fd: fd})
	}
	for _, path := range cfg.Keep {
		path, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil, fmt.Errorf("keep: %w", err)
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("keep: %w", err)
		}
		if !slices.ContainsFunc(cfg.Private, func(dir string) bool { return below(dir, path) }) {
			continue
		}
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("keep %s: %w", path, err)
		}
		out = append(out, held{path: path, dir: info.IsDir(), fd: fd})
	}
	return out, nil
}

func (h held) bindBack() error {
	defer func() { _ = unix.Close(h.fd) }()
	if err := makeTarget(h.path, h.dir); err != nil {
		return err
	}
	if err := unix.Mount("/proc/self/fd/"+strconv.Itoa(h.fd), h.path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("show %s inside: %w", h.path, err)
	}
	return nil
}

func makeTarget(path string, dir bool) error {
	if dir {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return fmt.Errorf("make mount point: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make mount point: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		return fmt.Errorf("make mount point: %w", err)
	}
	return f.Close()
}

// shadowTargets resolves symbolic links while their targets are still visible:
// /etc/resolv.conf often points into /run.
func shadowTargets(shadow map[string][]byte) (map[string]string, error) {
	out := make(map[string]string, len(shadow))
	for path := range shadow {
		target, err := filepath.EvalSymlinks(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // nothing there to replace
		case err != nil:
			return nil, fmt.Errorf("shadow %s: %w", path, err)
		}
		out[path] = target
	}
	return out, nil
}

func mountShadows(cfg Config, targets map[string]string) error {
	if len(targets) == 0 {
		return nil
	}
	store := filepath.Join(cfg.Private[0], ".shadow")
	if err := os.MkdirAll(store, 0o755); err != nil {
		return fmt.Errorf("shadow: %w", err)
	}
	n := 0
	for path, target := range targets {
		content := cfg.Shadow[path]
		if content == nil {
			present, err := os.ReadFile(target)
			if err != nil {
				return fmt.Errorf("shadow: %w", err)
			}
			content = present
		}
		n++
		private := filepath.Join(store, strconv.Itoa(n))
		if err := os.WriteFile(private, content, 0o644); err != nil { //nolint:gosec // readable like the file it stands for
			return fmt.Errorf("shadow %s: %w", path, err)
		}
		if _, err := os.Stat(target); errors.Is(err, fs.ErrNotExist) {
			if err := makeTarget(target, false); err != nil {
				return err
			}
		}
		if err := unix.Mount(private, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("shadow %s: %w", path, err)
		}
	}
	return nil
}

// below says whether path is dir or lies in it.
func below(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
