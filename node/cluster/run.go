// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/hydra-platform/hydra/libs/sandbox"
	"github.com/hydra-platform/hydra/libs/supervise"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// Change is one line of output: a part's change of state.
type Change struct {
	Part     string `json:"part"`
	State    string `json:"state"`
	PID      int    `json:"pid,omitempty"` // as seen in the sandbox
	ReadyMS  int64  `json:"ready_ms,omitempty"`
	Restarts int    `json:"restarts"`
	Reason   string `json:"reason"`
	// Address and Host are the two ends of the link, the node's and this
	// machine's. They come with the part "sandbox" when it is ready, which is the
	// moment a server here can listen on Host.
	Address string `json:"address,omitempty"`
	Host    string `json:"host,omitempty"`
	// The part "node" stands for all parts inside and says how to reach them.
	Kubeconfig string `json:"kubeconfig,omitempty"`
	Pods       string `json:"pods,omitempty"`
	Services   string `json:"services,omitempty"`
	DNS        string `json:"dns,omitempty"`
}

// printer writes changes as lines of JSON.
type printer struct {
	mu  sync.Mutex
	out io.Writer
}

func (p *printer) print(c Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line, err := json.Marshal(c)
	if err == nil {
		_, _ = p.out.Write(append(line, '\n'))
	}
}

func (p *printer) status(s supervise.Status) { p.print(changeOf(s)) }

func changeOf(s supervise.Status) Change {
	return Change{Part: s.Name, State: string(s.State), PID: s.PID, ReadyMS: s.ReadyIn.Milliseconds(), Restarts: s.Restarts, Reason: s.Reason}
}

// Run keeps a cluster running until ctx ends: the outer process. A sandbox that
// dies is swept up and started again with the same data.
func Run(ctx context.Context, cfg Config, stdout, stderr io.Writer) (err error) {
	if err := Check(cfg); err != nil {
		return err
	}
	unlock, err := lockDataDir(cfg.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	l, err := newLayout(ctx, cfg)
	if err != nil {
		return err
	}
	box, err := newBox(l)
	if err != nil {
		return err
	}
	settings, err := json.Marshal(l.Config)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	file := l.path("node.json")
	if err := writeFile(file, settings, 0o644); err != nil {
		return err
	}
	left := sandbox.Leftovers{Name: l.sandboxName(), Cgroups: []string{l.cgroup()}, Dirs: []string{l.DataDir}}
	defer func() {
		// The kernel is still taking the namespaces down at this moment.
		err = errors.Join(err, sandbox.Sweep(context.WithoutCancel(ctx), left))
	}()
	start := func(ctx context.Context) (*exec.Cmd, error) {
		if err := sandbox.Sweep(ctx, left); err != nil {
			return nil, err
		}
		cmd, err := box.Command("/proc/self/exe", "inside", file)
		if err != nil {
			return nil, err
		}
		cmd.Stdout, cmd.Stderr = stdout, stderr
		return cmd, nil
	}
	p := &printer{out: stdout}
	s, err := supervise.New([]supervise.Part{{
		Name: "sandbox", Cmd: start, StopTimeout: 15 * time.Second,
		Started: func(ctx context.Context, cmd *exec.Cmd) error { return box.Attach(ctx, cmd.Process.Pid) },
	}}, supervise.OnChange(func(st supervise.Status) {
		c := changeOf(st)
		if st.State == supervise.Ready {
			c.Address, c.Host = l.nodeIP().String(), l.network.HostAddr().String()
		}
		p.print(c)
	}))
	if err != nil {
		return fmt.Errorf("supervise the sandbox: %w", err)
	}
	return s.Run(ctx)
}

// newBox describes the sandbox: the system's run, lib and log directories are
// private, so that nothing the parts write there stays behind.
func newBox(l layout) (*sandbox.Box, error) {
	bind := map[string]string{kubeletDir: l.path("kubelet"), "/var/log/pods": l.path("pod-logs")}
	for _, dir := range bind {
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // pods that do not run as root pass through it
			return nil, fmt.Errorf("make directory: %w", err)
		}
	}
	shadow := kubeletTunables()
	shadow["/etc/resolv.conf"] = resolvConf(upstreams())
	box, err := sandbox.New(sandbox.Config{
		Name: l.sandboxName(), Network: &l.network, Private: []string{"/run", "/var/lib", "/var/log"},
		Keep: []string{l.DataDir}, Bind: bind, Shadow: shadow,
	})
	if err != nil {
		return nil, fmt.Errorf("describe the sandbox: %w", err)
	}
	return box, nil
}

// lockDataDir refuses a second node on the same data.
func lockDataDir(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o711); err != nil { //nolint:gosec // pods that do not run as root pass through it
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	f, err := os.OpenFile(dir+"/lock", os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("the data directory %s is in use by another node: stop that one, or choose another directory", dir)
	}
	return func() { _ = f.Close() }, nil
}

// runInside supervises the parts until ctx ends: the inner process.
func runInside(ctx context.Context, file string, stdout, stderr io.Writer) error {
	ctx = zerolog.New(stderr).With().Timestamp().Logger().WithContext(ctx)
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	cfg, err := ParseConfig(Config{}, data)
	if err != nil {
		return err
	}
	if os.Getenv(sandbox.EnvName) == "" {
		return errors.New("this is the inner process of hydra-node run, which starts it in a sandbox: use hydra-node run")
	}
	if err := os.MkdirAll(runDir+"/tmp", 0o700); err != nil {
		return fmt.Errorf("make the run directory: %w", err)
	}
	l := layoutOf(cfg)
	began := time.Now()
	parts, err := newParts(l)
	if err != nil {
		return err
	}
	p := &printer{out: stdout}
	s, err := supervise.New(parts, supervise.OnChange(p.status), supervise.Pauses(100*time.Millisecond, 10*time.Second, time.Minute))
	if err != nil {
		return fmt.Errorf("supervise the node: %w", err)
	}
	go func() {
		if s.WaitReady(ctx) == nil {
			p.print(Change{
				Part: "node", State: string(supervise.Ready), ReadyMS: time.Since(began).Milliseconds(), Kubeconfig: l.path("admin.kubeconfig"),
				Address: l.nodeIP().String(), Host: l.network.HostAddr().String(), Pods: l.pods.String(), Services: l.services.String(), DNS: l.nodeIP().String(),
			})
		}
	}()
	return s.Run(ctx)
}
