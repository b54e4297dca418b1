// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"net/netip"

	"github.com/hydra-platform/hydra/services/provisioner/spec"
)

// Kinds of resources, as AWS names them.
const (
	KindVPC             = "ec2:Vpc"
	KindSubnet          = "ec2:Subnet"
	KindInternetGateway = "ec2:InternetGateway"
	KindRouteTable      = "ec2:RouteTable"
	KindRoute           = "ec2:Route"
	KindAssociation     = "ec2:RouteTableAssociation"
	KindEndpoint        = "ec2:VpcEndpoint"
	KindSecurityGroup   = "ec2:SecurityGroup"
	KindRule            = "ec2:SecurityGroupRule"
	KindAddress         = "ec2:ElasticIp"
	KindNATGateway      = "ec2:NatGateway"
	KindVolume          = "ec2:Volume"
	KindLaunchTemplate  = "ec2:LaunchTemplate"
	KindInstance        = "ec2:Instance"
	KindGroup           = "autoscaling:AutoScalingGroup"
	KindRole            = "iam:Role"
	KindProfile         = "iam:InstanceProfile"
	KindBucket          = "s3:Bucket"
	KindRecord          = "route53:Record"
)

// want is a resource as it should be.
type want struct {
	key, kind  string
	after      []string
	attributes map[string]string // compared with what is found
	fixed      []string          // attributes that cannot be changed in place
	untagged   bool              // the kind has no tags in AWS
	detail     map[string]string // for the reader
	cost       cost
	config     string // hash of a machine's making; becomes a tag
}

// graph collects the resources of one cluster in the order of their making.
type graph struct {
	name   string
	spec   spec.Spec
	tariff tariff
	wants  []want
	warn   []string
}

func (g *graph) add(w want) { g.wants = append(g.wants, w) }

func (g *graph) warnf(format string, args ...any) {
	g.warn = append(g.warn, fmt.Sprintf(format, args...))
}

// build makes the whole graph.
func (g *graph) build() error {
	if err := g.network(); err != nil {
		return err
	}
	g.securityGroups()
	g.roles()
	g.bucket()
	g.nat()
	g.controlPlane()
	g.nodeGroups()
	g.dns()
	g.remarks()
	return nil
}

func (g *graph) private() bool { return g.spec.Network.Topology == spec.Private }

// subnetOf is the key of the subnet in which a zone's machines are.
func (g *graph) subnetOf(zone string) string {
	if g.private() {
		return "subnet/private/" + zone
	}
	return "subnet/public/" + zone
}

func (g *graph) network() error {
	n := g.spec.Network
	g.add(want{key: "vpc", kind: KindVPC, fixed: []string{"cidr"},
		attributes: map[string]string{"cidr": n.CIDR, "dnsHostnames": "true"}})
	g.add(want{key: "internet-gateway", kind: KindInternetGateway, after: []string{"vpc"}, attributes: map[string]string{"vpc": "vpc"}})
	g.add(want{key: "route-table/public", kind: KindRouteTable, after: []string{"vpc"}, attributes: map[string]string{"vpc": "vpc"}, fixed: []string{"vpc"}})
	g.route("route-table/public", "0.0.0.0/0", "internet-gateway")
	tables := []string{"route-table/public"}
	prefix, err := netip.ParsePrefix(n.CIDR)
	if err != nil {
		return fmt.Errorf("spec.network.cidr: %w", err)
	}
	for i, zone := range g.spec.Zones {
		g.subnet("subnet/public/"+zone, zone, nth(prefix, i), "route-table/public", true)
		if g.private() {
			table := "route-table/private/" + zone
			tables = append(tables, table)
			g.add(want{key: table, kind: KindRouteTable, after: []string{"vpc"}, attributes: map[string]string{"vpc": "vpc"}, fixed: []string{"vpc"}})
			g.subnet("subnet/private/"+zone, zone, nth(prefix, 8+i), table, false)
		}
	}
	// Free, and it keeps images and telemetry off the NAT and its fees.
	g.add(want{key: "endpoint/s3", kind: KindEndpoint, after: tables, fixed: []string{"service", "vpc"},
		attributes: map[string]string{"service": "com.amazonaws." + g.spec.Region + ".s3", "vpc": "vpc", "type": "Gateway"}})
	return nil
}

// nth returns the i-th sixteenth of an IPv4 prefix.
func nth(p netip.Prefix, i int) string {
	a := p.Addr().As4()
	n := uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
	n += uint32(i) << (32 - p.Bits() - 4)
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), p.Bits()+4).String()
}

func (g *graph) subnet(key, zone, cidr, table string, public bool) {
	g.add(want{key: key, kind: KindSubnet, after: []string{"vpc"}, fixed: []string{"cidr", "zone", "vpc"},
		attributes: map[string]string{"cidr": cidr, "zone": zone, "vpc": "vpc", "publicAddresses": fmt.Sprint(public)}})
	g.add(want{key: AssociationKey(table, key), kind: KindAssociation, after: []string{key, table}, untagged: true})
}

func (g *graph) route(table, destination, target string) {
	g.add(want{key: RouteKey(table, destination), kind: KindRoute, after: []string{table, target}, untagged: true,
		attributes: map[string]string{"target": target}})
}

// RouteKey is the key of a route, which has no tag of its own.
func RouteKey(table, destination string) string { return "route/" + table + "/" + destination }

// AssociationKey is the key of a subnet's association with a route table.
func AssociationKey(table, subnet string) string { return "association/" + table + "/" + subnet }

func (g *graph) nat() {
	if !g.private() {
		return
	}
	for _, zone := range g.spec.Zones {
		table, subnet := "route-table/private/"+zone, "subnet/public/"+zone
		if g.spec.Network.NAT == spec.NATGateway {
			address, gateway := "address/nat/"+zone, "nat-gateway/"+zone
			g.add(want{key: address, kind: KindAddress, after: []string{"internet-gateway"}, cost: g.tariff.address()})
			g.add(want{key: gateway, kind: KindNATGateway, after: []string{address, subnet}, cost: g.tariff.natGateway(),
				attributes: map[string]string{"subnet": subnet}, fixed: []string{"subnet"}})
			g.route(table, "0.0.0.0/0", gateway)
			continue
		}
		key, kind := "nat-instance/"+zone, g.spec.Network.NATInstanceType
		g.machine(machine{key: key, kind: kind, zone: zone, subnet: subnet, group: "security-group/nat", disk: 8, public: true,
			detail: map[string]string{"sourceDestCheck": "off"}})
		g.route(table, "0.0.0.0/0", key)
	}
}
