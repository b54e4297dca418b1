// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// EnvName is set for everything that runs in a sandbox, to the sandbox's name.
const EnvName = "HYDRA_SANDBOX"

// Config says what differs inside the sandbox.
type Config struct {
	// Name tells sandboxes apart on one machine: lower case letters, digits and
	// dashes, at most 40. The host's interface and rules are named after it.
	Name string `json:"name"`
	// Network connects the sandbox to the host. Without it there is only lo.
	Network *Network `json:"network,omitempty"`
	// Private directories are empty and in memory inside. Missing ones are skipped.
	Private []string `json:"private,omitempty"`
	// Keep lists files and directories below Private ones that stay the host's.
	Keep []string `json:"keep,omitempty"`
	// Bind shows a host directory at another place inside: inside path to host path.
	Bind map[string]string `json:"bind,omitempty"`
	// Shadow replaces files by private copies: with the given content, or with
	// the present content where the value is nil. It works for /proc/sys as well,
	// so that a program may "set" a kernel parameter that the host keeps.
	// It needs a Private directory to hold the copies.
	Shadow map[string][]byte `json:"shadow,omitempty"`
}

// Network is the link between the host and the sandbox.
type Network struct {
	// Link has room for two addresses: the first is the host's, the second the
	// sandbox's. A /30 is enough.
	Link netip.Prefix `json:"link"`
	// Routes are the ranges that the host reaches through the sandbox.
	Routes []netip.Prefix `json:"routes,omitempty"`
	// Egress lets the sandbox and its Routes out through the host's address.
	Egress bool `json:"egress,omitempty"`
}

// HostAddr is the host's address on the link.
func (n Network) HostAddr() netip.Addr { return n.Link.Masked().Addr().Next() }

// Addr is the sandbox's address on the link.
func (n Network) Addr() netip.Addr { return n.HostAddr().Next() }

var nameRule = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	if !nameRule.MatchString(c.Name) {
		return fmt.Errorf("sandbox name %q: want at most 40 lower case letters, digits and dashes", c.Name)
	}
	if n := c.Network; n != nil {
		if !n.Link.IsValid() || !n.Link.Addr().Is4() || n.Link.Bits() > 30 {
			return fmt.Errorf("sandbox %s: link %v: want an IPv4 range of at least four addresses", c.Name, n.Link)
		}
		for _, r := range n.Routes {
			if !r.IsValid() || !r.Addr().Is4() {
				return fmt.Errorf("sandbox %s: route %v: want an IPv4 range", c.Name, r)
			}
		}
	}
	for _, p := range slices.Concat(c.Private, c.Keep) {
		if !filepath.IsAbs(p) || filepath.Clean(p) == "/" {
			return fmt.Errorf("sandbox %s: path %q: want an absolute path below /", c.Name, p)
		}
	}
	if len(c.Shadow) > 0 && len(c.Private) == 0 {
		return fmt.Errorf("sandbox %s: Shadow needs a Private directory to hold the copies", c.Name)
	}
	return nil
}

// LinkName is the name of the host's end of the link: at most 15 characters,
// which is the kernel's limit, so most of the name is a hash.
func LinkName(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "hyd" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:5])
}

// comment marks the host's iptables rules of a sandbox.
func comment(name string) string { return "hydra:" + name }
