// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"fmt"

	"github.com/hydra-platform/hydra/services/provisioner/spec"
)

const (
	groupControlPlane = "security-group/control-plane"
	groupNodes        = "security-group/nodes"
	groupNAT          = "security-group/nat"
)

// RuleKey is the key of a rule of a security group. Rules are told apart by
// what they allow, so that one which nobody planned is found out.
func RuleKey(group, direction, protocol string, from, to int32, peer string) string {
	ports := fmt.Sprintf("%d-%d", from, to)
	if protocol == "-1" {
		protocol, ports = "all", "all"
	}
	return fmt.Sprintf("rule/%s/%s/%s/%s/%s", group, direction, protocol, ports, peer)
}

func (g *graph) securityGroups() {
	group := func(key string) {
		g.add(want{key: key, kind: KindSecurityGroup, after: []string{"vpc"}, fixed: []string{"name", "vpc"},
			attributes: map[string]string{"name": g.resourceName(key), "vpc": "vpc"}})
	}
	group(groupControlPlane)
	group(groupNodes)

	// etcd speaks to etcd alone; nodes reach the API server and nothing else
	// of the control plane.
	g.allow(groupControlPlane, "tcp", 2379, 2380, groupControlPlane, "etcd, between control plane machines only")
	for _, peer := range []string{groupControlPlane, groupNodes} {
		g.allow(groupControlPlane, "tcp", 6443, 6443, peer, "Kubernetes API")
	}
	g.allow(groupControlPlane, "tcp", 10250, 10250, groupControlPlane, "kubelet")
	g.allow(groupControlPlane, "udp", 8472, 8472, groupControlPlane, "pod network")
	g.allow(groupControlPlane, "udp", 8472, 8472, groupNodes, "pod network")
	g.allow(groupNodes, "-1", 0, 0, groupNodes, "pods and Services; NodePorts stay inside")
	g.allow(groupNodes, "tcp", 10250, 10250, groupControlPlane, "kubelet")
	g.allow(groupNodes, "udp", 8472, 8472, groupControlPlane, "pod network")
	g.allow(groupNodes, "tcp", 1, 65535, groupControlPlane, "webhooks and aggregated APIs in pods")
	for _, cidr := range g.spec.Access.API {
		g.allow(groupControlPlane, "tcp", 6443, 6443, cidr, "Kubernetes API from outside")
	}
	for _, cidr := range g.spec.Access.SSH {
		g.allow(groupControlPlane, "tcp", 22, 22, cidr, "SSH")
		g.allow(groupNodes, "tcp", 22, 22, cidr, "SSH")
	}
	for _, cidr := range g.spec.Access.Web {
		g.allow(groupNodes, "tcp", 80, 80, cidr, "apps")
		g.allow(groupNodes, "tcp", 443, 443, cidr, "apps")
	}
	groups := []string{groupControlPlane, groupNodes}
	if g.private() && g.spec.Network.NAT == spec.NATInstance {
		group(groupNAT)
		for _, peer := range groups {
			g.allow(groupNAT, "-1", 0, 0, peer, "to forward")
		}
		groups = append(groups, groupNAT)
	}
	for _, key := range groups {
		g.rule(key, "out", "-1", 0, 0, "0.0.0.0/0", "to anywhere")
	}
}

func (g *graph) allow(group, protocol string, from, to int32, peer, why string) {
	g.rule(group, "in", protocol, from, to, peer, why)
}

func (g *graph) rule(group, direction, protocol string, from, to int32, peer, why string) {
	after := []string{group}
	if peer == groupControlPlane || peer == groupNodes {
		after = append(after, peer)
	}
	if len(after) == 2 && after[0] == after[1] {
		after = after[:1]
	}
	// Rules have tags in AWS, but are known by what they allow.
	g.add(want{key: RuleKey(group, direction, protocol, from, to, peer), kind: KindRule, after: after, untagged: true, detail: map[string]string{"why": why}})
}

// roles makes the identities of machines. What they may do is written out, so
// that a plan shows a change of it.
func (g *graph) roles() {
	type statement struct {
		Effect    string         `json:"Effect"`
		Action    []string       `json:"Action"`
		Resource  []string       `json:"Resource"`
		Condition map[string]any `json:"Condition,omitempty"`
	}
	policy := func(statements ...statement) string {
		b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	describe := statement{Effect: "Allow", Resource: []string{"*"}, Action: []string{
		"ec2:DescribeInstances", "ec2:DescribeRegions", "ec2:DescribeAvailabilityZones", "ec2:DescribeVolumes", "ec2:DescribeTags",
		"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
	}}
	ours := map[string]any{"StringEquals": map[string]string{"aws:ResourceTag/" + TagCluster: g.name}}
	controlPlane := []statement{describe,
		{Effect: "Allow", Resource: []string{"*"}, Condition: ours, Action: []string{
			"ec2:AttachVolume", "ec2:DetachVolume", "autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"}},
	}
	nodes := []statement{describe}
	if bucket := g.spec.Telemetry.Bucket; bucket != "" {
		nodes = append(nodes, statement{Effect: "Allow", Resource: []string{"arn:aws:s3:::" + bucket, "arn:aws:s3:::" + bucket + "/*"},
			Action: []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"}})
	}
	for _, r := range []struct {
		name, policy string
	}{{"control-plane", policy(controlPlane...)}, {"nodes", policy(nodes...)}} {
		key := "role/" + r.name
		g.add(want{key: key, kind: KindRole, attributes: map[string]string{"name": g.roleName(r.name), "policy": PolicyHash(r.policy)},
			fixed: []string{"name"}, detail: map[string]string{"policy": r.policy, "trust": "ec2.amazonaws.com"}})
		g.add(want{key: "profile/" + r.name, kind: KindProfile, after: []string{key},
			attributes: map[string]string{"name": g.roleName(r.name), "role": g.roleName(r.name)}, fixed: []string{"name"}})
	}
}

// PolicyHash is the same for two JSON documents that say the same, however
// they are spaced and ordered.
func PolicyHash(document string) string {
	var v any
	if err := json.Unmarshal([]byte(document), &v); err != nil {
		return "not JSON"
	}
	return hash(v)
}

// RoleName is the name in IAM of the role and the instance profile of machines.
func RoleName(cluster, machines string) string { return "hydra-" + cluster + "-" + machines }

// roleName is the name of a role of this cluster.
func (g *graph) roleName(machines string) string { return RoleName(g.name, machines) }

func (g *graph) bucket() {
	name := g.spec.Telemetry.Bucket
	if name == "" {
		return
	}
	g.add(want{key: "bucket/telemetry", kind: KindBucket, attributes: map[string]string{"name": name}, fixed: []string{"name"},
		detail: map[string]string{"access": "private", "encryption": "AES256", "cost": "by use"}})
}
