// SPDX-License-Identifier: Apache-2.0

package spec

// The only version and kind so far.
const (
	APIVersion = "hydra.dev/v1alpha1"
	Kind       = "Cluster"
)

// Cluster is the whole file.
type Cluster struct {
	APIVersion string   `json:"apiVersion" yaml:"apiVersion" jsonschema:"required,enum=hydra.dev/v1alpha1"`
	Kind       string   `json:"kind" yaml:"kind" jsonschema:"required,enum=Cluster"`
	Metadata   Metadata `json:"metadata" yaml:"metadata" jsonschema:"required"`
	Spec       Spec     `json:"spec" yaml:"spec" jsonschema:"required"`
}

// Metadata names the cluster.
type Metadata struct {
	Name string `json:"name" yaml:"name" jsonschema:"required,pattern=^[a-z]([a-z0-9-]{0\\,38}[a-z0-9])?$" jsonschema_description:"Name of the cluster. It is part of the name and a tag of every resource."`
}

// Spec says what the cluster is to be.
type Spec struct {
	Region            string            `json:"region" yaml:"region" jsonschema:"required" jsonschema_description:"AWS region, such as us-east-1."`
	Zones             []string          `json:"zones" yaml:"zones" jsonschema:"required,minItems=1,maxItems=6" jsonschema_description:"Availability zones of the region."`
	KubernetesVersion string            `json:"kubernetesVersion,omitempty" yaml:"kubernetesVersion" jsonschema:"default=1.36.3" jsonschema_description:"Version of Kubernetes, major.minor.patch."`
	Network           Network           `json:"network,omitempty" yaml:"network"`
	ControlPlane      ControlPlane      `json:"controlPlane,omitempty" yaml:"controlPlane"`
	NodeGroups        []NodeGroup       `json:"nodeGroups" yaml:"nodeGroups" jsonschema:"required,minItems=1"`
	API               API               `json:"api,omitempty" yaml:"api"`
	Access            Access            `json:"access,omitempty" yaml:"access"`
	Tags              map[string]string `json:"tags,omitempty" yaml:"tags" jsonschema_description:"Tags on every resource besides Hydra's own."`
	Telemetry         Telemetry         `json:"telemetry,omitempty" yaml:"telemetry"`
}

// Topologies of the network.
const (
	Public  = "public"  // nodes have public addresses
	Private = "private" // nodes reach the internet through NAT
)

// Ways out of a private network.
const (
	NATInstance = "instance"
	NATGateway  = "gateway"
)

// Network is the cluster's own VPC.
type Network struct {
	CIDR            string `json:"cidr,omitempty" yaml:"cidr" jsonschema:"default=10.20.0.0/16" jsonschema_description:"Addresses of the VPC, /16 to /24. Each zone gets one sixteenth for each of its subnets."`
	PodCIDR         string `json:"podCIDR,omitempty" yaml:"podCIDR" jsonschema:"default=10.244.0.0/16" jsonschema_description:"Addresses of pods."`
	ServiceCIDR     string `json:"serviceCIDR,omitempty" yaml:"serviceCIDR" jsonschema:"default=10.96.0.0/16" jsonschema_description:"Addresses of Services."`
	Topology        string `json:"topology,omitempty" yaml:"topology" jsonschema:"enum=public,enum=private,default=public" jsonschema_description:"public: nodes have public addresses behind closed security groups. private: nodes reach out through NAT."`
	NAT             string `json:"nat,omitempty" yaml:"nat" jsonschema:"enum=instance,enum=gateway" jsonschema_description:"With topology private: one NAT instance or NAT gateway for each zone. Default: instance."`
	NATInstanceType string `json:"natInstanceType,omitempty" yaml:"natInstanceType" jsonschema:"default=t4g.nano" jsonschema_description:"With nat instance: its type."`
}

// ControlPlane is the machines that run etcd and the API server.
type ControlPlane struct {
	Count        int    `json:"count,omitempty" yaml:"count" jsonschema:"enum=1,enum=3,enum=5,default=3" jsonschema_description:"Number of machines, spread over the zones."`
	InstanceType string `json:"instanceType,omitempty" yaml:"instanceType" jsonschema:"default=t3.large"`
	DiskGB       int    `json:"diskGB,omitempty" yaml:"diskGB" jsonschema:"minimum=20,maximum=16384,default=40" jsonschema_description:"Root disk, GB, gp3, encrypted."`
	EtcdDiskGB   int    `json:"etcdDiskGB,omitempty" yaml:"etcdDiskGB" jsonschema:"minimum=8,maximum=1024,default=20" jsonschema_description:"Disk of etcd alone, GB, gp3, encrypted. It outlives the machine."`
}

// NodeGroup is machines of one kind that scale together.
type NodeGroup struct {
	Name          string            `json:"name" yaml:"name" jsonschema:"required,pattern=^[a-z]([a-z0-9-]{0\\,28}[a-z0-9])?$"`
	InstanceTypes []string          `json:"instanceTypes" yaml:"instanceTypes" jsonschema:"required,minItems=1,maxItems=20" jsonschema_description:"Types in order of preference. The first one is what the cost is reckoned by."`
	Min           int               `json:"min" yaml:"min" jsonschema:"required,minimum=0,maximum=1000"`
	Max           int               `json:"max" yaml:"max" jsonschema:"required,minimum=1,maximum=1000"`
	SpotPercent   int               `json:"spotPercent,omitempty" yaml:"spotPercent" jsonschema:"minimum=0,maximum=100" jsonschema_description:"Share of spot machines."`
	DiskGB        int               `json:"diskGB,omitempty" yaml:"diskGB" jsonschema:"minimum=20,maximum=16384,default=60" jsonschema_description:"Root disk, GB, gp3, encrypted."`
	Zones         []string          `json:"zones,omitempty" yaml:"zones" jsonschema_description:"Of the cluster's zones; default: all."`
	Labels        map[string]string `json:"labels,omitempty" yaml:"labels" jsonschema_description:"Labels of the Kubernetes nodes."`
}

// API is where clients reach the API server.
type API struct {
	DNSName    string `json:"dnsName,omitempty" yaml:"dnsName" jsonschema_description:"Name that points at every control plane machine."`
	HostedZone string `json:"hostedZone,omitempty" yaml:"hostedZone" jsonschema_description:"Route 53 zone that dnsName is in. Without it the name is yours to keep."`
}

// Access says who may connect from outside.
type Access struct {
	API []string `json:"api,omitempty" yaml:"api" jsonschema_description:"CIDRs that may reach the API server on port 6443. Default: nobody outside the VPC."`
	SSH []string `json:"ssh,omitempty" yaml:"ssh" jsonschema_description:"CIDRs that may reach port 22. Default: nobody."`
	Web []string `json:"web,omitempty" yaml:"web" jsonschema_description:"CIDRs that may reach apps on ports 80 and 443 of the nodes. Default: nobody."`
}

// Telemetry says where logs, metrics and traces are kept for long.
type Telemetry struct {
	Bucket string `json:"bucket,omitempty" yaml:"bucket" jsonschema_description:"Name of the S3 bucket to create. Bucket names are unique in the world."`
}

// withDefaults fills what was left out.
func (c *Cluster) withDefaults() {
	s := &c.Spec
	set(&s.KubernetesVersion, "1.36.3")
	set(&s.Network.CIDR, "10.20.0.0/16")
	set(&s.Network.PodCIDR, "10.244.0.0/16")
	set(&s.Network.ServiceCIDR, "10.96.0.0/16")
	set(&s.Network.Topology, Public)
	if s.Network.Topology == Private {
		set(&s.Network.NAT, NATInstance)
	}
	if s.Network.NAT == NATInstance {
		set(&s.Network.NATInstanceType, "t4g.nano")
	}
	set(&s.ControlPlane.Count, 3)
	set(&s.ControlPlane.InstanceType, "t3.large")
	set(&s.ControlPlane.DiskGB, 40)
	set(&s.ControlPlane.EtcdDiskGB, 20)
	for i := range s.NodeGroups {
		g := &s.NodeGroups[i]
		set(&g.DiskGB, 60)
		if len(g.Zones) == 0 {
			g.Zones = append([]string(nil), s.Zones...)
		}
	}
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
