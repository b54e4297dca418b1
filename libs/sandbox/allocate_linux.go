// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Allocate returns a range of the given prefix length inside base that nothing
// on this machine routes to. The search starts at a place that depends on the
// name, so that two sandboxes that start together rarely look at the same one,
// and the same name tends to get the same range again.
func Allocate(ctx context.Context, base netip.Prefix, bits int, name string) (netip.Prefix, error) {
	if !base.Addr().Is4() || bits < base.Bits() || bits > 30 {
		return netip.Prefix{}, fmt.Errorf("choose a /%d in %s: want an IPv4 range that holds one", bits, base)
	}
	unlock, err := lockNetwork(ctx)
	if err != nil {
		return netip.Prefix{}, err
	}
	defer unlock()
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	count := uint32(1) << (bits - base.Bits())
	first := binary.BigEndian.Uint32(base.Masked().Addr().AsSlice())
	for i := range count {
		at := (h.Sum32() + i) % count
		var addr [4]byte
		binary.BigEndian.PutUint32(addr[:], first+at<<(32-bits))
		p := netip.PrefixFrom(netip.AddrFrom4(addr), bits)
		other, err := routedBy(p)
		if err != nil {
			return netip.Prefix{}, err
		}
		if other == "" {
			return p, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("choose a /%d in %s: all %d are in use on this machine: set another base", bits, base, count)
}

// routedBy names the interface whose address or route overlaps p, if any. The
// default route overlaps everything and does not count.
func routedBy(p netip.Prefix) (string, error) {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return "", fmt.Errorf("list routes: %w", err)
	}
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		ones, _ := r.Dst.Mask.Size()
		dst, ok := netip.AddrFromSlice(r.Dst.IP)
		if !ok || ones == 0 || !netip.PrefixFrom(dst.Unmap(), ones).Overlaps(p) {
			continue
		}
		if link, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
			return link.Attrs().Name, nil
		}
		return r.Dst.String(), nil
	}
	return "", nil
}
