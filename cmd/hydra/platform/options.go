// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/libs/service"
)

// Ports on 127.0.0.1. 0 takes a free one, which the data directory remembers.
type Ports struct {
	Gateway      int `json:"gateway"`
	Entry        int `json:"entry"`
	EntryMetrics int `json:"entryMetrics"`
	Registry     int `json:"registry"`
	NATS         int `json:"nats"`
}

// DefaultPortBase is what the fixed ports are counted from.
const DefaultPortBase = 7000

// PortsFrom counts the ports from a base; base 0 takes free ones.
func PortsFrom(base int) Ports {
	if base == 0 {
		return Ports{}
	}
	return Ports{NATS: base + 42, Registry: base + 50, Gateway: base + 70, Entry: base + 80, EntryMetrics: base + 81}
}

// Options of [New]. The zero value of each field but DataDir and Units is its
// default.
type Options struct {
	DataDir string
	// Ports are those that the user asked for; nil takes the ones that the data
	// directory remembers, or the fixed ones at its first start.
	Ports *Ports
	// Units run in this process; their order is the journey's.
	Units []service.Unit
	// Version of this build.
	Version string

	// What replaces a part. Empty: Hydra runs its own.
	NATSURL, NATSUser, NATSPasswordFile string
	Kubeconfig                          string
	Registry                            string // host:port
	BuildkitAddr                        string // such as tcp://10.0.0.7:1234
	AWSEndpoint                         string

	// GitRoots are directories whose repositories may be built by path.
	GitRoots []string
	// ConfigFile is the services' configuration, one section for each.
	ConfigFile string
	// Timeout is how long all parts together may take until ready. Default two minutes.
	Timeout time.Duration
	// LogLevel of logs/hydra.log. Default info.
	LogLevel zerolog.Level
	// LogTo additionally receives the log; nil keeps it in the file only.
	LogTo io.Writer
	// OnChange is told of each change of a part, one call at a time.
	OnChange func(Part)
}

func (o *Options) validate() error {
	if len(o.Units) == 0 {
		return fmt.Errorf("no service is left to run: name at least one with --only, or fewer with --without")
	}
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return fmt.Errorf("data directory %q: %w", o.DataDir, err)
	}
	o.DataDir = dir
	// A Unix socket's path has 107 bytes, and BuildKit's is the longest below it.
	if room := 107 - len("/buildkit/buildkitd.sock"); len(dir) > room {
		return fmt.Errorf("data directory %s: the path is longer than %d characters, and sockets below it could not be opened: choose a shorter one with --data-dir", dir, room)
	}
	if o.NATSURL == "" && (o.NATSUser != "" || o.NATSPasswordFile != "") {
		return fmt.Errorf("--nats-user and --nats-password-file are for a NATS of your own: add --nats-url")
	}
	for i, root := range o.GitRoots {
		if o.GitRoots[i], err = filepath.Abs(root); err != nil {
			return fmt.Errorf("--git-root %q: %w", root, err)
		}
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Minute
	}
	if o.OnChange == nil {
		o.OnChange = func(Part) {}
	}
	return nil
}

// runs reports whether one of the named units is in this process.
func (o *Options) runs(names ...string) bool {
	return slices.ContainsFunc(o.Units, func(u service.Unit) bool { return slices.Contains(names, u.Name) })
}

// SelectUnits applies --only and --without.
func SelectUnits(all []service.Unit, only, without []string) ([]service.Unit, error) {
	known := make([]string, len(all))
	for i, u := range all {
		known[i] = u.Name
	}
	for _, name := range slices.Concat(only, without) {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no service %q: choose from %v", name, known)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(u service.Unit) bool {
		return slices.Contains(without, u.Name) || len(only) > 0 && !slices.Contains(only, u.Name)
	}), nil
}
