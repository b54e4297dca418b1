// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
)

// upstreams returns the machine's name servers that the node can reach: not
// those on 127.0.0.1, which is another one inside the sandbox. Where the machine
// uses systemd's resolver, the servers behind it are in a file of its own.
func upstreams() []netip.Addr {
	for _, path := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if found := nameservers(string(data)); len(found) > 0 {
			return found
		}
	}
	return nil
}

// nameservers reads the reachable name servers of a resolv.conf, see resolv.conf(5).
func nameservers(conf string) []netip.Addr {
	var out []netip.Addr
	for line := range strings.Lines(conf) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		// The sandbox has IPv4 only.
		if a, err := netip.ParseAddr(fields[1]); err == nil && a.Is4() && !a.IsLoopback() && !a.IsUnspecified() {
			out = append(out, a)
		}
	}
	return out
}

// resolvConf is what the node itself resolves names with.
func resolvConf(servers []netip.Addr) []byte {
	var b strings.Builder
	for _, s := range servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	return []byte(b.String())
}

// writeCorefile writes CoreDNS's settings: the cluster's names from the API
// server, all others from the machine's own name servers, if it has any.
func writeCorefile(l layout, ids identities, servers []netip.Addr) (string, error) {
	forward := ""
	if len(servers) > 0 {
		names := make([]string, len(servers))
		for i, s := range servers {
			names[i] = s.String()
		}
		forward = "forward . " + strings.Join(names, " ") + " {\n        max_concurrent 1000\n    }\n    loop\n"
	}
	corefile := fmt.Sprintf(`.:%d {
    bind %s
    errors
    health 127.0.0.1:%d
    kubernetes %s in-addr.arpa {
        kubeconfig %s
        pods insecure
        fallthrough in-addr.arpa
        ttl 5
    }
    cache 5
    %s}
`, portDNS, l.nodeIP(), portDNSHealth, clusterDomain, ids.kubeconfigs["coredns"], forward)
	path := l.path("Corefile")
	return path, writeFile(path, []byte(corefile), 0o600)
}

// dnsReady asks for the one name that every cluster has.
func dnsReady(l layout) func(context.Context) error {
	server := netip.AddrPortFrom(l.nodeIP(), portDNS).String()
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server)
	}}
	return func(ctx context.Context) error {
		_, err := resolver.LookupHost(ctx, "kubernetes.default.svc."+clusterDomain+".")
		if err != nil {
			return fmt.Errorf("ask the cluster's DNS: %w", err)
		}
		return nil
	}
}
