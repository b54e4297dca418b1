// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"
)

// Command returns the command line of hydra-node. Its output is for programs:
// one line of JSON for each change.
func Command() *cobra.Command {
	root := &cobra.Command{
		Use: "hydra-node", Short: "A single-node Kubernetes in one binary", SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(runCommand(), checkCommand(), &cobra.Command{
		Use: "inside FILE", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInside(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	})
	return root
}

func runCommand() *cobra.Command {
	var read func() (Config, error)
	cmd := &cobra.Command{
		Use: "run", Short: "Run a cluster until SIGTERM", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := read()
			if err != nil {
				return err
			}
			return Run(cmd.Context(), cfg, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	read = configFlags(cmd)
	return cmd
}

func checkCommand() *cobra.Command {
	var read func() (Config, error)
	cmd := &cobra.Command{
		Use: "check", Short: "Say what is missing to run a cluster here", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := read()
			if err != nil {
				return err
			}
			return Check(cfg)
		},
	}
	read = configFlags(cmd)
	return cmd
}

// configFlags adds one flag for each setting. What is returned reads them, on
// top of the file, on top of the defaults.
func configFlags(cmd *cobra.Command) func() (Config, error) {
	cfg, flags := DefaultConfig(), cmd.Flags()
	file := flags.String("config", "", "YAML `file` with the settings below, in camel case; flags win over it")
	instance := flags.String("instance", cfg.Instance, "name of this cluster on this machine, and of its node")
	dataDir := flags.String("data-dir", cfg.DataDir, "directory of everything that outlives a run")
	base := flags.String("base", cfg.Base.String(), "range to choose the cluster's 4096 addresses from")
	block := flags.String("block", "", "the cluster's addresses, a /20, instead of choosing")
	egress := flags.Bool("egress", cfg.Egress, "let pods and image pulls out through this machine")
	mirrors := flags.StringArray("registry-mirror", nil, "`host[:port]=http://host:port` to pull images of a registry from; _default= for all others; {host} is this machine")
	containerd := flags.String("containerd", cfg.Containerd, "the containerd program")
	plugins := flags.String("cni-plugins", "", "directory with the CNI plugins")
	maxPods := flags.Int("max-pods", cfg.MaxPods, "most pods on the node")
	return func() (Config, error) {
		var err error
		if *file != "" {
			if cfg, err = ReadConfig(cfg, *file); err != nil {
				return cfg, err
			}
		}
		prefix := func(text string, into *netip.Prefix) func() error {
			return func() (err error) { *into, err = netip.ParsePrefix(text); return err }
		}
		for name, set := range map[string]func() error{
			"instance":        func() error { cfg.Instance = *instance; return nil },
			"data-dir":        func() error { cfg.DataDir = *dataDir; return nil },
			"base":            prefix(*base, &cfg.Base),
			"block":           prefix(*block, &cfg.Block),
			"egress":          func() error { cfg.Egress = *egress; return nil },
			"registry-mirror": func() error { return addMirrors(&cfg, *mirrors) },
			"containerd":      func() error { cfg.Containerd = *containerd; return nil },
			"cni-plugins":     func() error { cfg.CNIPlugins = *plugins; return nil },
			"max-pods":        func() error { cfg.MaxPods = *maxPods; return nil },
		} {
			if !flags.Changed(name) {
				continue
			}
			if err := set(); err != nil {
				return cfg, fmt.Errorf("--%s: %w", name, err)
			}
		}
		return cfg, cfg.Validate()
	}
}

func addMirrors(cfg *Config, mirrors []string) error {
	if cfg.RegistryMirrors == nil {
		cfg.RegistryMirrors = map[string][]string{}
	}
	for _, m := range mirrors {
		host, url, ok := strings.Cut(m, "=")
		if !ok {
			return fmt.Errorf("%q: want host=http://host:port", m)
		}
		cfg.RegistryMirrors[host] = append(cfg.RegistryMirrors[host], url)
	}
	return nil
}
