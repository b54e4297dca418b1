// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// Config is what can be set, in a YAML file (hydra-node run --config) or by the
// flag of the same name.
type Config struct {
	// Instance tells clusters on one machine apart: lower case letters, digits
	// and dashes, at most 24. It is also the node's name.
	Instance string `json:"instance"`
	// DataDir holds everything that outlives a run.
	DataDir string `json:"dataDir"`
	// Base is the range from which a block of 4096 addresses is chosen for this
	// cluster at its first start.
	Base netip.Prefix `json:"base"`
	// Block fixes that block (a /20) instead.
	Block netip.Prefix `json:"block,omitempty"`
	// Egress lets pods and image pulls out through the host's address. It needs
	// iptables rules and IP forwarding on the host; both are taken back at stop.
	Egress bool `json:"egress"`
	// RegistryMirrors maps a registry's host[:port], or _default for all others,
	// to the addresses that are asked first. {host} stands for the address under
	// which the node reaches this machine.
	RegistryMirrors map[string][]string `json:"registryMirrors,omitempty"`
	// Containerd is the program; ctr is looked for beside it.
	Containerd string `json:"containerd"`
	// CNIPlugins is the directory with ptp, host-local, portmap and loopback.
	// Without it the usual directories are tried.
	CNIPlugins string `json:"cniPlugins,omitempty"`
	// MaxPods is the most pods the node accepts.
	MaxPods int `json:"maxPods"`
}

// DefaultConfig returns the settings that hold when nothing is said.
func DefaultConfig() Config {
	return Config{
		Instance: "hydra", DataDir: "/var/lib/hydra-node", Base: netip.MustParsePrefix("10.208.0.0/12"),
		Egress: true, Containerd: "containerd", MaxPods: 250,
	}
}

// ReadConfig returns cfg changed by what the YAML file says. A key that does
// not exist is an error that names it.
func ReadConfig(cfg Config, path string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return cfg, fmt.Errorf("read settings: %w", err)
	}
	return ParseConfig(cfg, data)
}

// ParseConfig is ReadConfig for text in memory.
func ParseConfig(cfg Config, data []byte) (Config, error) {
	if err := yaml.UnmarshalStrict(data, &cfg); err != nil {
		return cfg, fmt.Errorf("settings: %w", err)
	}
	return cfg, cfg.Validate()
}

var (
	instanceRule = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$`)
	hostRule     = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?$`)
)

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	switch {
	case !instanceRule.MatchString(c.Instance):
		return fmt.Errorf("instance %q: want at most 24 lower case letters, digits and dashes", c.Instance)
	case !filepath.IsAbs(c.DataDir) || filepath.Clean(c.DataDir) == "/":
		return fmt.Errorf("dataDir %q: want an absolute path below /", c.DataDir)
	case strings.ContainsAny(c.DataDir, "\"\\\n,:"):
		return fmt.Errorf("dataDir %q: quotes, backslashes, commas, colons and line breaks do not work in mount options", c.DataDir)
	case c.Block.IsValid() && (c.Block.Bits() != blockBits || !c.Block.Addr().Is4()):
		return fmt.Errorf("block %s: want an IPv4 /%d", c.Block, blockBits)
	case !c.Block.IsValid() && (!c.Base.IsValid() || !c.Base.Addr().Is4() || c.Base.Bits() > blockBits):
		return fmt.Errorf("base %s: want an IPv4 range that holds a /%d", c.Base, blockBits)
	case c.MaxPods < 1 || c.MaxPods > 1000:
		return fmt.Errorf("maxPods %d: want 1 to 1000", c.MaxPods)
	}
	for host, mirrors := range c.RegistryMirrors {
		if host != "_default" && !hostRule.MatchString(host) {
			return fmt.Errorf("registryMirrors: %q: want host, host:port or _default", host)
		}
		for _, m := range mirrors {
			u, err := url.Parse(strings.ReplaceAll(m, hostMark, "127.0.0.1"))
			if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.ContainsAny(m, "\"\\\n") {
				return fmt.Errorf("registryMirrors: %s: %q: want http://host:port or https://host:port", host, m)
			}
		}
	}
	return nil
}
