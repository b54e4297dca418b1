// SPDX-License-Identifier: Apache-2.0

package buildkit

import (
	"errors"
	"fmt"
	"strings"
)

// Daemon is how Hydra runs a daemon of its own.
type Daemon struct {
	Root     string // directory for snapshots, cache and state
	Address  string // unix:///path/to/buildkitd.sock
	Registry string // host:port of Hydra's registry as the daemon reaches it; plain HTTP
	// Aliases are other names of the same registry in image references, such
	// as 127.0.0.1:7050 where the daemon runs in a network of its own.
	Aliases []string
	// Upstream are registries whose images are looked for in Hydra's first,
	// below mirror/<host>. Default docker.io.
	Upstream    []string
	MaxUsedMB   int // of cache and snapshots; default 20 GB
	MinFreeMB   int // the cache shrinks before the disk has less; default 2 GB
	Parallel    int // steps at once; default 4
	RuncBinary  string
	Snapshotter string // empty: what the kernel can do
}

// Validate reports the first setting that cannot work.
func (d Daemon) Validate() error {
	switch {
	case d.Root == "":
		return errors.New("buildkitd: root directory is required")
	case !strings.HasPrefix(d.Address, "unix://") && !strings.HasPrefix(d.Address, "tcp://"):
		return fmt.Errorf("buildkitd: address %q: want unix:///path or tcp://host:port", d.Address)
	case d.Registry == "":
		return errors.New("buildkitd: the address of Hydra's registry is required")
	}
	return nil
}

// Args are the program's arguments; config is where [Daemon.TOML] was written.
func (d Daemon) Args(config string) []string {
	return []string{"--config", config}
}

// Env is what the program needs beside its parent's environment. The daemon
// would cut a step's log at 2 MiB or 200 KiB/s, which takes the only line that
// says what broke; the builder keeps the head and the tail instead.
func (d Daemon) Env() []string {
	return []string{"BUILDKIT_STEP_LOG_MAX_SIZE=-1", "BUILDKIT_STEP_LOG_MAX_SPEED=-1"}
}

// TOML is the daemon's configuration file.
func (d Daemon) TOML() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	number := func(n, fallback int) int {
		if n == 0 {
			return fallback
		}
		return n
	}
	p("root = %q", d.Root)
	p("[grpc]\n  address = [%q]", d.Address)
	p("[history]\n  maxAge = \"1h\"\n  maxEntries = 20")
	p("[worker.containerd]\n  enabled = false")
	p("[worker.oci]\n  enabled = true\n  gc = true")
	p("  reservedSpace = \"%dMB\"\n  maxUsedSpace = \"%dMB\"\n  minFreeSpace = \"%dMB\"", number(d.MaxUsedMB, 20_000)/4, number(d.MaxUsedMB, 20_000), number(d.MinFreeMB, 2_000))
	p("  max-parallelism = %d", number(d.Parallel, 4))
	if d.RuncBinary != "" {
		p("  binary = %q", d.RuncBinary)
	}
	if d.Snapshotter != "" {
		p("  snapshotter = %q", d.Snapshotter)
	}
	p("[registry.%q]\n  http = true", d.Registry)
	for _, alias := range d.Aliases {
		if alias != d.Registry {
			p("[registry.%q]\n  http = true\n  mirrors = [%q]", alias, d.Registry)
		}
	}
	upstream := d.Upstream
	if upstream == nil {
		upstream = []string{"docker.io"}
	}
	for _, host := range upstream {
		p("[registry.%q]\n  mirrors = [%q]", host, d.Registry+"/mirror/"+host)
	}
	return b.String()
}
