// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"maps"
	"strings"

	"github.com/hydra-platform/hydra/services/provisioner/spec"
)

// machine is an EC2 instance that the plan makes by itself.
type machine struct {
	key, kind, zone, subnet, group, profile string

	disk   int // GB
	public bool
	after  []string
	detail map[string]string
}

// machine adds an instance. IMDSv2 and an encrypted disk are not choices.
func (g *graph) machine(m machine) {
	config := map[string]string{"instanceType": m.kind, "disk": fmt.Sprintf("gp3 %d GB encrypted", m.disk), "metadata": "IMDSv2, 1 hop",
		"image": imageOf(m.kind), "subnet": m.subnet, "securityGroup": m.group, "profile": m.profile}
	if m.profile != "" { // a node of the cluster
		config["kubernetes"] = g.spec.KubernetesVersion
	}
	c := g.tariff.instance(m.kind).plus(g.tariff.disk(m.disk))
	if m.public {
		c = c.plus(g.tariff.address())
	}
	after := append([]string{m.subnet, m.group}, m.after...)
	if m.profile != "" {
		after = append(after, m.profile)
	}
	detail := maps.Clone(config)
	maps.Copy(detail, m.detail)
	g.add(want{key: m.key, kind: KindInstance, after: after, cost: c, config: hash(config)[:16], detail: detail,
		attributes: map[string]string{"instanceType": m.kind, "zone": m.zone}, fixed: []string{"instanceType", "zone", "config"}})
}

// imageOf is the parameter under which AWS names its newest image for a type.
func imageOf(instanceType string) string {
	arch := "x86_64"
	if family, _, _ := strings.Cut(instanceType, "."); strings.HasPrefix(family, "a1") || len(family) > 2 && strings.Contains(family[2:], "g") {
		arch = "arm64"
	}
	return "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-" + arch
}

func (g *graph) controlPlane() {
	cp := g.spec.ControlPlane
	for i := range cp.Count {
		zone := g.spec.Zones[i%len(g.spec.Zones)]
		volume, key := fmt.Sprintf("volume/etcd/%d", i), fmt.Sprintf("control-plane/%d", i)
		g.add(want{key: volume, kind: KindVolume, cost: g.tariff.disk(cp.EtcdDiskGB), fixed: []string{"zone", "encrypted"},
			attributes: map[string]string{"zone": zone, "size": fmt.Sprint(cp.EtcdDiskGB), "type": "gp3", "encrypted": "true"}})
		after := []string{volume}
		if i > 0 { // one after the other, so that etcd always has a majority
			after = append(after, fmt.Sprintf("control-plane/%d", i-1))
		}
		g.machine(machine{key: key, kind: cp.InstanceType, zone: zone, subnet: g.subnetOf(zone), group: groupControlPlane,
			profile: "profile/control-plane", disk: cp.DiskGB, public: !g.private(), after: after, detail: map[string]string{"etcdVolume": volume}})
	}
}

func (g *graph) nodeGroups() {
	for _, n := range g.spec.NodeGroups {
		template := "launch-template/" + n.Name
		config := map[string]string{"instanceTypes": strings.Join(n.InstanceTypes, ","), "disk": fmt.Sprintf("gp3 %d GB encrypted", n.DiskGB),
			"metadata": "IMDSv2, 1 hop", "image": imageOf(n.InstanceTypes[0]), "securityGroup": groupNodes, "profile": "profile/nodes",
			"kubernetes": g.spec.KubernetesVersion, "publicAddress": fmt.Sprint(!g.private()), "labels": hash(n.Labels)[:8]}
		g.add(want{key: template, kind: KindLaunchTemplate, after: []string{groupNodes, "profile/nodes"}, config: hash(config)[:16], detail: config,
			attributes: map[string]string{"name": g.resourceName(template)}, fixed: []string{"name"}})
		after := []string{template}
		for _, zone := range n.Zones {
			after = append(after, g.subnetOf(zone))
		}
		for i := range g.spec.ControlPlane.Count {
			after = append(after, fmt.Sprintf("control-plane/%d", i))
		}
		g.add(want{key: "node-group/" + n.Name, kind: KindGroup, after: after, cost: g.groupCost(n, n.Min),
			attributes: map[string]string{"name": g.resourceName("node-group/" + n.Name), "min": fmt.Sprint(n.Min), "max": fmt.Sprint(n.Max)}, fixed: []string{"name"},
			detail: map[string]string{"instanceTypes": config["instanceTypes"], "spotPercent": fmt.Sprint(n.SpotPercent), "zones": strings.Join(n.Zones, ","),
				"costAtMin": g.groupCost(n, n.Min).String(), "costAtMax": g.groupCost(n, n.Max).String()}})
	}
}

// groupCost is what a group of n machines costs. The price of spot machines
// changes by the hour and is nobody's to know in advance.
func (g *graph) groupCost(group spec.NodeGroup, n int) cost {
	each := g.tariff.disk(group.DiskGB)
	if !g.private() {
		each = each.plus(g.tariff.address())
	}
	spot := (n*group.SpotPercent + 99) / 100
	c := each.times(float64(n)).plus(g.tariff.instance(group.InstanceTypes[0]).times(float64(n - spot)))
	if spot > 0 && c.unknown == "" {
		c.unknown = fmt.Sprintf("the price of %d spot machines changes by the hour and is not in it", spot)
	}
	return c
}

// String is the cost as a reader wants it.
func (c cost) String() string {
	switch {
	case c.unknown != "" && c.usd == 0:
		return "unknown: " + c.unknown
	case c.unknown != "":
		return fmt.Sprintf("%.2f USD a month and more: %s", c.usd, c.unknown)
	}
	return fmt.Sprintf("%.2f USD a month", c.usd)
}

func (g *graph) dns() {
	api := g.spec.API
	if api.HostedZone == "" {
		return
	}
	w := want{key: "record/api", kind: KindRecord, untagged: true, attributes: map[string]string{"name": api.DNSName, "zone": api.HostedZone, "ttl": "60"},
		fixed: []string{"name", "zone"}, detail: map[string]string{"type": "A", "values": "the addresses of all control plane machines"}}
	for i := range g.spec.ControlPlane.Count {
		w.after = append(w.after, fmt.Sprintf("control-plane/%d", i))
	}
	g.add(w)
}

// resourceName is the name in AWS of the resource with a key.
func (g *graph) resourceName(key string) string { return ResourceName(g.name, key) }

// ResourceName is the name in AWS, where the kind has one, of the resource
// with the given key.
func ResourceName(cluster, key string) string {
	return "hydra-" + cluster + "-" + strings.ReplaceAll(strings.TrimPrefix(key, "security-group/"), "/", "-")
}

// remarks warns of what the spec allows and a person may not have meant.
func (g *graph) remarks() {
	s := g.spec
	for _, cidr := range s.Access.API {
		if cidr == "0.0.0.0/0" || cidr == "::/0" {
			g.warnf("spec.access.api: the Kubernetes API is open to the whole internet")
		}
	}
	for _, cidr := range s.Access.SSH {
		if cidr == "0.0.0.0/0" || cidr == "::/0" {
			g.warnf("spec.access.ssh: SSH is open to the whole internet")
		}
	}
	if s.ControlPlane.Count == 1 {
		g.warnf("spec.controlPlane.count: with one machine the cluster stops when that machine does")
	}
	if len(s.Zones) < s.ControlPlane.Count {
		g.warnf("spec.zones: %d control plane machines share %d zones; the loss of one zone can stop the cluster", s.ControlPlane.Count, len(s.Zones))
	}
	if len(s.Access.API) == 0 {
		g.warnf("spec.access.api is empty: kubectl works from inside the VPC only")
	}
	if g.private() && s.Network.NAT == spec.NATGateway {
		g.warnf("NAT gateways cost 0.045 USD for each GB besides their hours in us-east-1; that is not in the total")
	}
	if s.Telemetry.Bucket == "" {
		g.warnf("spec.telemetry.bucket is empty: logs, metrics and traces live on the nodes' disks only")
	}
}
