// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package sandbox

import (
	"context"
	"errors"
	"net/netip"
	"os/exec"
)

var errLinux = errors.New("a sandbox needs Linux")

// Box is one sandbox; there are none on this operating system.
type Box struct{}

// Leftovers names what a sandbox may have left outside its namespaces.
type Leftovers struct {
	Name    string
	Cgroups []string
	Dirs    []string
}

// Init returns false: no process here is a sandbox's init.
func Init() (code int, isInit bool) { return 0, false }

// New fails: a sandbox needs Linux.
func New(Config) (*Box, error) { return nil, errLinux }

// Command fails: a sandbox needs Linux.
func (*Box) Command(...string) (*exec.Cmd, error) { return nil, errLinux }

// Attach fails: a sandbox needs Linux.
func (*Box) Attach(context.Context, int) error { return errLinux }

// Detach has nothing to do.
func (*Box) Detach(context.Context) error { return nil }

// Sweep has nothing to do.
func Sweep(context.Context, Leftovers) error { return nil }

// Allocate fails: a sandbox needs Linux.
func Allocate(context.Context, netip.Prefix, int, string) (netip.Prefix, error) {
	return netip.Prefix{}, errLinux
}
