// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/hydra-platform/hydra/libs/sandbox"
	"github.com/hydra-platform/hydra/libs/supervise"
	"github.com/hydra-platform/hydra/services/builder/buildkit"
)

// buildLinks is where the link to BuildKit's sandbox is chosen from; the node
// chooses from the range before it.
var buildLinks = netip.MustParsePrefix("10.224.0.0/16")

// buildkitAddr is where the builder finds BuildKit.
func (p *Platform) buildkitAddr() string {
	if p.opts.BuildkitAddr != "" {
		return p.opts.BuildkitAddr
	}
	return "unix://" + p.dir.Path("buildkit", "buildkitd.sock")
}

func (p *Platform) buildkitPart() supervise.Part {
	left := sandbox.Leftovers{Name: p.dir.buildSandbox(), Cgroups: []string{p.dir.buildCgroup()}, Dirs: []string{p.dir.Path("buildkit")}}
	var box *sandbox.Box // one start at a time
	return supervise.Part{
		Name: "buildkit", After: []string{"registry"}, Log: p.partLog("buildkit"), StopTimeout: 10 * time.Second,
		Cmd: func(ctx context.Context) (*exec.Cmd, error) {
			bin, err := findBinary("buildkitd", p.dir)
			if err != nil {
				return nil, supervise.Permanent(err)
			}
			if err := sandbox.Sweep(ctx, left); err != nil {
				return nil, err
			}
			removed, err := buildkit.Repair(ctx, p.dir.Path("buildkit"))
			if err != nil {
				return nil, err
			}
			if len(removed) > 0 {
				p.log.Warn().Strs("snapshots", removed).Msg("repaired what a killed BuildKit left")
			}
			// The file outlives the process, and a client would wait on it.
			_ = os.Remove(p.dir.Path("buildkit", "buildkitd.sock"))
			link, err := sandbox.Allocate(ctx, buildLinks, 30, p.dir.buildSandbox())
			if err != nil {
				return nil, err
			}
			cfg := sandbox.Config{
				Name: p.dir.buildSandbox(), Network: &sandbox.Network{Link: link, Egress: true},
				Private: []string{"/run"}, Keep: []string{p.dir.path},
			}
			if conf, ok := resolvConf("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"); ok {
				cfg.Shadow = map[string][]byte{"/etc/resolv.conf": conf}
			}
			if box, err = sandbox.New(cfg); err != nil {
				return nil, err
			}
			file := p.dir.Path("run", "buildkitd.toml")
			if err := writeFile(file, []byte(p.buildkitConfig()), 0o644); err != nil {
				return nil, err
			}
			cmd, err := box.Command(bin, "--config", file)
			if err != nil {
				return nil, err
			}
			// The builder bounds logs itself: head and tail, not a rate.
			cmd.Env = append(cmd.Env, "GOGC=50", "BUILDKIT_STEP_LOG_MAX_SIZE=-1", "BUILDKIT_STEP_LOG_MAX_SPEED=-1")
			return cmd, nil
		},
		Started: func(ctx context.Context, cmd *exec.Cmd) error {
			if p.opts.Registry == "" {
				if err := p.serveSandbox(ctx, cmd.Process.Pid); err != nil {
					return err
				}
			}
			return box.Attach(ctx, cmd.Process.Pid)
		},
		Ready: func(ctx context.Context) error { return askBuildkit(ctx, p.buildkitAddr()) },
	}
}

// askBuildkit returns nil when BuildKit has a worker.
func askBuildkit(ctx context.Context, addr string) error {
	if path, ok := strings.CutPrefix(addr, "unix://"); ok {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("ask BuildKit: %w", err)
		}
	}
	c, err := client.New(ctx, addr)
	if err != nil {
		return fmt.Errorf("connect to BuildKit at %s: %w", addr, err)
	}
	defer func() { _ = c.Close() }()
	workers, err := c.ListWorkers(ctx)
	if err != nil {
		return fmt.Errorf("ask BuildKit at %s: %w", addr, err)
	}
	if len(workers) == 0 {
		return fmt.Errorf("BuildKit at %s has no worker", addr)
	}
	return nil
}

// buildkitConfig is buildkitd.toml. Names of Docker Hub and others are looked
// up in Hydra's registry first, where the seeded images are.
func (p *Platform) buildkitConfig() string {
	var b strings.Builder
	fmt.Fprintf(&b, `root = %q

[grpc]
address = [%q]

[worker.oci]
enabled = true
gc = true
maxUsedSpace = "20GB"
reservedSpace = "2GB"
minFreeSpace = "10%%"
max-parallelism = 4
defaultCgroupParent = %q

[worker.containerd]
enabled = false
`, p.dir.Path("buildkit"), p.buildkitAddr(), p.buildkitCgroup())
	for _, host := range []string{"docker.io", "gcr.io", "ghcr.io", "quay.io", "registry.k8s.io"} {
		fmt.Fprintf(&b, "\n[registry.%q]\nmirrors = [%q]\n", host, p.registryAddr()+"/mirror/"+host)
	}
	fmt.Fprintf(&b, "\n[registry.%q]\nhttp = true\ninsecure = true\n", p.registryAddr())
	return b.String()
}

func (p *Platform) buildkitCgroup() string { return "/" + p.dir.buildCgroup() }

// resolvConf gives a sandbox name servers that it can reach: one on 127.0.0.1
// is the host's alone, so the list behind it is taken. ok is false when the
// host's own file serves.
func resolvConf(path, behind string) (conf []byte, ok bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if addr, err := netip.ParseAddr(fields[1]); err != nil || !addr.IsLoopback() {
			return nil, false
		}
	}
	conf, err = os.ReadFile(behind)
	return conf, err == nil
}
