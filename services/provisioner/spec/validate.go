// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

var (
	nameForm     = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`)
	groupForm    = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$`)
	regionForm   = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	typeForm     = regexp.MustCompile(`^[a-z][a-z0-9-]*\.([a-z0-9]+-)?[a-z0-9]+$`)
	versionForm  = regexp.MustCompile(`^1\.(3[0-9]|4[0-9])\.[0-9]{1,2}$`)
	bucketForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
	dnsForm      = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	labelForm    = regexp.MustCompile(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	labelValue   = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$`)
	reservedTags = []string{"aws:", "hydra.dev/", "kubernetes.io/cluster/"}
)

// maxTags leaves room for Hydra's own below the limit of 50 for a resource.
const maxTags = 40

func (d *document) validate(c *Cluster) {
	s := &c.Spec
	d.want(c.APIVersion == APIVersion, "apiVersion", "is %q; want %s", c.APIVersion, APIVersion)
	d.want(c.Kind == Kind, "kind", "is %q; want %s", c.Kind, Kind)
	d.want(nameForm.MatchString(c.Metadata.Name), "metadata.name", "is %q; want 1 to 40 of a-z, 0-9 and -, beginning with a letter", c.Metadata.Name)
	d.want(regionForm.MatchString(s.Region), "spec.region", "is %q; want an AWS region such as us-east-1", s.Region)
	d.want(versionForm.MatchString(s.KubernetesVersion), "spec.kubernetesVersion", "is %q; want a full version of 1.30 or newer, such as 1.36.3", s.KubernetesVersion)
	d.zones(s)
	d.network(&s.Network)
	d.controlPlane(s)
	d.nodeGroups(s)
	d.api(&s.API)
	for name, list := range map[string][]string{"api": s.Access.API, "ssh": s.Access.SSH, "web": s.Access.Web} {
		for i, text := range list {
			d.cidr(fmt.Sprintf("spec.access.%s[%d]", name, i), text)
		}
		d.unique("spec.access."+name, list)
	}
	d.tags(s.Tags)
	if b := s.Telemetry.Bucket; b != "" {
		d.want(bucketForm.MatchString(b), "spec.telemetry.bucket", "is %q; want 3 to 63 of a-z, 0-9 and -", b)
	}
}

func (d *document) want(ok bool, field, format string, args ...any) {
	if !ok {
		d.at(field, format, args...)
	}
}

func (d *document) zones(s *Spec) {
	d.want(len(s.Zones) >= 1 && len(s.Zones) <= 6, "spec.zones", "has %d zones; want 1 to 6", len(s.Zones))
	for i, z := range s.Zones {
		suffix, ok := strings.CutPrefix(z, s.Region)
		d.want(ok && len(suffix) == 1 && suffix[0] >= 'a' && suffix[0] <= 'z', fmt.Sprintf("spec.zones[%d]", i),
			"is %q; want a zone of region %s such as %sa", z, s.Region, s.Region)
	}
	d.unique("spec.zones", s.Zones)
}

func (d *document) unique(field string, list []string) {
	for i, v := range list {
		d.want(!slices.Contains(list[:i], v), fmt.Sprintf("%s[%d]", field, i), "%q is written twice", v)
	}
}

func (d *document) network(n *Network) {
	d.want(n.Topology == Public || n.Topology == Private, "spec.network.topology", "is %q; want public or private", n.Topology)
	switch {
	case n.Topology == Private:
		d.want(n.NAT == NATInstance || n.NAT == NATGateway, "spec.network.nat", "is %q; want instance or gateway", n.NAT)
	case n.Topology == Public:
		d.want(n.NAT == "", "spec.network.nat", "is %q; leave it out or set topology: private", n.NAT)
	}
	if n.NAT == NATInstance {
		d.instanceType("spec.network.natInstanceType", n.NATInstanceType)
	} else {
		d.want(n.NATInstanceType == "", "spec.network.natInstanceType", "is only for nat: instance")
	}
	type part struct {
		field  string
		prefix netip.Prefix
	}
	var parts []part
	for _, f := range []struct{ field, text string }{{"cidr", n.CIDR}, {"podCIDR", n.PodCIDR}, {"serviceCIDR", n.ServiceCIDR}} {
		field := "spec.network." + f.field
		p, ok := d.cidr(field, f.text)
		if !ok {
			continue
		}
		d.want(p.Addr().Is4() && p.Addr().IsPrivate() || p.Addr().Is4() && netip.MustParsePrefix("100.64.0.0/10").Contains(p.Addr()),
			field, "is %s; want private IPv4 addresses, such as 10.20.0.0/16", p)
		if f.field == "cidr" {
			d.want(p.Bits() >= 16 && p.Bits() <= 24, field, "is a /%d; want /16 to /24", p.Bits())
		}
		for _, other := range parts {
			d.want(!p.Overlaps(other.prefix), field, "%s overlaps with %s of %s", p, other.prefix, other.field)
		}
		parts = append(parts, part{field, p})
	}
}

func (d *document) cidr(field, text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		d.at(field, "is %q; want a CIDR such as 10.20.0.0/16", text)
		return p, false
	}
	if p != p.Masked() {
		d.at(field, "is %s, which has bits set behind the mask; did you mean %s?", text, p.Masked())
		return p, false
	}
	return p, true
}

func (d *document) instanceType(field, t string) {
	d.want(typeForm.MatchString(t), field, "is %q; want an instance type such as m7i.large", t)
}

func (d *document) disk(field string, gb, least, most int) {
	d.want(gb >= least && gb <= most, field, "is %d; want %d to %d", gb, least, most)
}

func (d *document) controlPlane(s *Spec) {
	cp := s.ControlPlane
	d.want(slices.Contains([]int{1, 3, 5}, cp.Count), "spec.controlPlane.count", "is %d; want 1, 3 or 5: etcd needs a majority", cp.Count)
	d.instanceType("spec.controlPlane.instanceType", cp.InstanceType)
	d.disk("spec.controlPlane.diskGB", cp.DiskGB, 20, 16384)
	d.disk("spec.controlPlane.etcdDiskGB", cp.EtcdDiskGB, 8, 1024)
}

func (d *document) nodeGroups(s *Spec) {
	d.want(len(s.NodeGroups) >= 1 && len(s.NodeGroups) <= 50, "spec.nodeGroups", "has %d groups; want 1 to 50", len(s.NodeGroups))
	names := map[string]bool{}
	for i, g := range s.NodeGroups {
		at := fmt.Sprintf("spec.nodeGroups[%d].", i)
		d.want(groupForm.MatchString(g.Name), at+"name", "is %q; want 1 to 30 of a-z, 0-9 and -, beginning with a letter", g.Name)
		d.want(!names[g.Name], at+"name", "%q is the name of another group", g.Name)
		names[g.Name] = true
		d.want(len(g.InstanceTypes) >= 1 && len(g.InstanceTypes) <= 20, at+"instanceTypes", "has %d types; want 1 to 20", len(g.InstanceTypes))
		for j, t := range g.InstanceTypes {
			d.instanceType(fmt.Sprintf("%sinstanceTypes[%d]", at, j), t)
		}
		d.unique(at+"instanceTypes", g.InstanceTypes)
		d.want(g.Min >= 0 && g.Min <= 1000, at+"min", "is %d; want 0 to 1000", g.Min)
		d.want(g.Max >= max(g.Min, 1) && g.Max <= 1000, at+"max", "is %d; want %d (min) to 1000", g.Max, max(g.Min, 1))
		d.want(g.SpotPercent >= 0 && g.SpotPercent <= 100, at+"spotPercent", "is %d; want 0 to 100", g.SpotPercent)
		d.disk(at+"diskGB", g.DiskGB, 20, 16384)
		for j, z := range g.Zones {
			d.want(slices.Contains(s.Zones, z), fmt.Sprintf("%szones[%d]", at, j), "is %q; want one of spec.zones", z)
		}
		if d.lines[at+"zones"] > 0 { // not the cluster's own list once more
			d.unique(at+"zones", g.Zones)
		}
		for k, v := range g.Labels {
			d.want(labelForm.MatchString(k) && labelValue.MatchString(v), at+"labels."+k, "%q: %q is not a Kubernetes label", k, v)
		}
	}
}

func (d *document) api(a *API) {
	if a.DNSName != "" {
		d.want(dnsForm.MatchString(a.DNSName) && len(a.DNSName) <= 253, "spec.api.dnsName", "is %q; want a DNS name such as api.example.com", a.DNSName)
	}
	if a.HostedZone != "" {
		d.want(dnsForm.MatchString(a.HostedZone), "spec.api.hostedZone", "is %q; want a DNS zone such as example.com", a.HostedZone)
		d.want(strings.HasSuffix(a.DNSName, "."+a.HostedZone) || a.DNSName == a.HostedZone, "spec.api.dnsName", "is %q; want a name inside hostedZone %s", a.DNSName, a.HostedZone)
	}
}

func (d *document) tags(tags map[string]string) {
	d.want(len(tags) <= maxTags, "spec.tags", "has %d tags; want at most %d", len(tags), maxTags)
	for k, v := range tags {
		field := "spec.tags." + k
		d.want(k != "" && len(k) <= 128, field, "the name has %d bytes; want 1 to 128", len(k))
		d.want(len(v) <= 256, field, "has %d bytes; want at most 256", len(v))
		d.want(k != "Name", field, "is set by Hydra")
		for _, p := range reservedTags {
			d.want(!strings.HasPrefix(k, p), field, "names beginning with %s are reserved", p)
		}
	}
}
