// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hydra-platform/hydra/libs/auth"
)

// Dir is one instance's data directory.
type Dir struct{ path string }

// OpenDir names a data directory, which need not exist yet.
func OpenDir(path string) (Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Dir{}, fmt.Errorf("data directory %q: %w", path, err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	return Dir{abs}, nil
}

// DefaultDataDir is $HYDRA_DATA_DIR, else ~/.hydra.
func DefaultDataDir() string {
	if dir := os.Getenv("HYDRA_DATA_DIR"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ".hydra"
	}
	return filepath.Join(home, ".hydra")
}

// Path is a file or directory below the data directory.
func (d Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// Instance tells data directories on one machine apart, in names of
// interfaces, cgroups and nodes.
func (d Dir) Instance() string {
	sum := sha256.Sum256([]byte(d.path))
	return "h" + hex.EncodeToString(sum[:4])
}

func (d Dir) buildSandbox() string { return d.Instance() + "-build" }
func (d Dir) nodeSandbox() string  { return d.Instance() + "-node" } // hydra-node's own name for it
func (d Dir) buildCgroup() string  { return "hydra-" + d.Instance() + "-build" }
func (d Dir) nodeCgroup() string   { return "hydra-" + d.Instance() } // hydra-node's own name for it
func (d Dir) socket() string       { return d.Path("run", "control.sock") }
func (d Dir) statePath() string    { return d.Path("run", "state.json") }

// Token is the administrator's token of this instance.
func (d Dir) Token() (string, error) {
	data, err := os.ReadFile(d.Path("run", "token"))
	return strings.TrimSpace(string(data)), err
}

// create makes the directories. Others may pass through the data directory,
// because pods that do not run as root do, but not list or read it.
func (d Dir) create() error {
	if err := os.MkdirAll(d.path, 0o711); err != nil { //nolint:gosec // see above
		return fmt.Errorf("make the data directory: %w", err)
	}
	for name, mode := range map[string]os.FileMode{"run": 0o700, "logs": 0o700, "nats": 0o700, "registry": 0o700, "buildkit": 0o711, "node": 0o711} {
		if err := os.MkdirAll(d.Path(name), mode); err != nil {
			return fmt.Errorf("make the data directory: %w", err)
		}
	}
	return nil
}

// secret reads a secret of the data directory and makes it at the first time.
func (d Dir) secret(name string, make func() string) (string, error) {
	path := d.Path("run", name)
	data, err := os.ReadFile(path)
	if err == nil && len(strings.TrimSpace(string(data))) > 0 {
		return strings.TrimSpace(string(data)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read secret: %w", err)
	}
	value := make()
	return value, writeFile(path, []byte(value+"\n"), 0o600)
}

func (d Dir) natsPassword() (string, error) { return d.secret("nats-password", rand.Text) }
func (d Dir) token() (string, error)        { return d.secret("token", auth.NewToken) }

// ports settles the ports. They are remembered, because the registry's is part
// of the name of every image that was built.
func (d Dir) ports(asked *Ports) (Ports, error) {
	var saved Ports
	path := d.Path("ports.json")
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return Ports{}, fmt.Errorf("read ports: %w", err)
	default:
		if err := json.Unmarshal(data, &saved); err != nil {
			return Ports{}, fmt.Errorf("read ports from %s: %w", path, err)
		}
	}
	p := saved
	switch {
	case asked != nil:
		p = *asked
	case saved == Ports{}:
		p = PortsFrom(DefaultPortBase)
	}
	for _, port := range []struct{ want, was *int }{{&p.Gateway, &saved.Gateway}, {&p.Entry, &saved.Entry}, {&p.EntryMetrics, &saved.EntryMetrics}, {&p.Registry, &saved.Registry}, {&p.NATS, &saved.NATS}} {
		if *port.want != 0 {
			continue
		}
		if *port.want = *port.was; *port.want == 0 {
			if *port.want, err = freePort(); err != nil {
				return Ports{}, err
			}
		}
	}
	if data, err = json.Marshal(p); err != nil {
		return Ports{}, fmt.Errorf("save ports: %w", err)
	}
	return p, writeFile(path, data, 0o644)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil //nolint:forcetypeassert // a TCP listener has no other
}

// InUseError says that another process runs on the data directory.
type InUseError struct {
	Dir string
	PID int
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("data directory %s is in use by `hydra up` with process id %d: look with `hydra status`, stop it with `hydra down`, or choose another with --data-dir and --port-base", e.Dir, e.PID)
}

// lock takes the data directory for this process. The kernel releases it when
// the process ends, however it ends.
func (d Dir) lock() (release func(), err error) {
	f, err := os.OpenFile(d.Path("run", "lock"), os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		pid := readPID(f)
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &InUseError{Dir: d.path, PID: pid}
		}
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintf("%d\n", os.Getpid()))); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	return func() { _ = f.Truncate(0); _ = f.Close() }, nil
}

// owner is the process that holds the lock, or 0.
func (d Dir) owner() int {
	f, err := os.OpenFile(d.Path("run", "lock"), os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return readPID(f)
	}
	return 0
}

func writeAt(f *os.File, s string) error { _, err := f.WriteAt([]byte(s), 0); return err }

func readPID(f *os.File) int {
	var pid int
	buf := make([]byte, 32)
	n, _ := f.ReadAt(buf, 0)
	_, _ = fmt.Sscanf(string(buf[:n]), "%d", &pid)
	return pid
}

// writeFile replaces a file as a whole, so that a crash leaves the old one.
func writeFile(path string, data []byte, mode os.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
