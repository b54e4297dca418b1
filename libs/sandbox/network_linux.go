// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// inside is the name of the link's end in the sandbox.
const inside = "eth0"

// attachPatience is how long the init waits for Attach.
const attachPatience = 20 * time.Second

// setUpNetwork runs in the init. The interface appears when the host calls
// Attach, so the first part polls.
func setUpNetwork(n *Network) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find lo: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	if n == nil {
		return nil
	}
	link, err := awaitLink(inside, attachPatience)
	if err != nil {
		return err
	}
	if err := setUpLink(link, netip.PrefixFrom(n.Addr(), n.Link.Bits())); err != nil {
		return err
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: n.HostAddr().AsSlice()}); err != nil {
		return fmt.Errorf("add the default route: %w", err)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil { //nolint:gosec // a kernel parameter of this network namespace
		return fmt.Errorf("enable forwarding: %w", err)
	}
	return nil
}

func awaitLink(name string, patience time.Duration) (netlink.Link, error) {
	deadline := time.Now().Add(patience)
	for {
		link, err := netlink.LinkByName(name)
		if err == nil {
			return link, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("the host did not attach the network within %s: %w", patience, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func setUpLink(link netlink.Link, addr netip.Prefix) error {
	name := link.Attrs().Name
	if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: ipNet(addr)}); err != nil {
		return fmt.Errorf("give %s the address %s: %w", name, addr, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring up %s: %w", name, err)
	}
	return nil
}

// Attach connects the sandbox whose init has the process id pid: it creates the
// veth pair, the host's routes and, with Egress, the rules that let the sandbox
// out. It fails, and leaves nothing, when an address range is already routed.
func (b *Box) Attach(ctx context.Context, pid int) (err error) {
	n := b.cfg.Network
	if n == nil {
		return nil
	}
	unlock, err := lockNetwork(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	name := LinkName(b.cfg.Name)
	if err := deleteLink(name); err != nil { // of an earlier run whose namespace is still being taken down
		return err
	}
	for _, p := range append([]netip.Prefix{n.Link}, n.Routes...) {
		if other, err := routedBy(p); err != nil {
			return err
		} else if other != "" {
			return fmt.Errorf("sandbox %s: %s is already in use by %s on this machine: choose another range", b.cfg.Name, p, other)
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.detach())
		}
	}()
	if n.Egress {
		if err := addEgress(b.cfg.Name, *n); err != nil {
			return err
		}
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: inside, PeerNamespace: netlink.NsPid(pid)}
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("create the link %s of sandbox %s: %w", name, b.cfg.Name, err)
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find the link %s: %w", name, err)
	}
	if err := setUpLink(link, netip.PrefixFrom(n.HostAddr(), n.Link.Bits())); err != nil {
		return err
	}
	for _, r := range n.Routes {
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(r.Masked()), Gw: n.Addr().AsSlice()}
		if err := netlink.RouteAdd(route); err != nil {
			return fmt.Errorf("route %s to sandbox %s: %w", r, b.cfg.Name, err)
		}
	}
	return nil
}

// Detach removes what Attach made on the host. It may be called more than once
// and after the sandbox has ended.
func (b *Box) Detach(ctx context.Context) error {
	unlock, err := lockNetwork(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return b.detach()
}

func (b *Box) detach() error {
	return errors.Join(deleteLink(LinkName(b.cfg.Name)), removeEgress(b.cfg.Name))
}

func deleteLink(name string) error {
	link, err := netlink.LinkByName(name)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the link %s: %w", name, err)
	}
	// The kernel may be taking it down at this moment: gone is what we want.
	if err := netlink.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("delete the link %s: %w", name, err)
	}
	return nil
}

// lockNetwork keeps two programs on one machine from choosing or attaching at
// the same moment. An abstract socket is a lock that no crash can leave behind.
func lockNetwork(ctx context.Context) (unlock func(), err error) {
	for {
		l, err := net.Listen("unix", "@hydra-sandbox-network")
		if err == nil {
			return func() { _ = l.Close() }, nil
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			return nil, fmt.Errorf("lock the network settings: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock the network settings: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
