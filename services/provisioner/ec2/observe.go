// SPDX-License-Identifier: Apache-2.0

package ec2

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hydra-platform/hydra/services/provisioner/plan"
	"github.com/hydra-platform/hydra/services/provisioner/spec"
)

// observation is one look at one cluster.
type observation struct {
	*Client
	cluster spec.Cluster
	owner   string
	who     string            // ARN of the credentials' identity
	keys    map[string]string // key of each id, to name what others refer to
	out     plan.Observed
}

// Observe finds what the cluster has. owner is the id of this installation;
// what another one made is not the cluster's, even when its name is the same.
func (c *Client) Observe(ctx context.Context, cluster spec.Cluster, owner string) (plan.Observed, error) {
	o := &observation{Client: c, cluster: cluster, owner: owner, keys: map[string]string{}, out: plan.Observed{Owner: owner, Resources: []plan.Found{}}}
	// The order matters: later ones name earlier ones by their keys.
	for _, step := range []func(context.Context) error{
		o.identity, o.zones, o.vpcs, o.subnets, o.internetGateways, o.addresses, o.natGateways, o.securityGroups, o.rules,
		o.volumes, o.launchTemplates, o.instances, o.routeTables, o.endpoints, o.groups, o.roles, o.bucket, o.record,
	} {
		if err := step(ctx); err != nil {
			return plan.Observed{}, err
		}
	}
	return o.out, nil
}

func (o *observation) identity(ctx context.Context) error {
	id, err := o.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return o.failed("sts:GetCallerIdentity", "", err)
	}
	o.who, o.out.Account = aws.ToString(id.Arn), aws.ToString(id.Account)
	return nil
}

// zones checks that the spec's zones exist for this account.
func (o *observation) zones(ctx context.Context) error {
	out, err := o.ec2.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{})
	if err != nil {
		return o.failed("ec2:DescribeAvailabilityZones", o.who, err)
	}
	var names []string
	known := map[string]bool{}
	for _, z := range out.AvailabilityZones {
		names = append(names, aws.ToString(z.ZoneName))
		known[aws.ToString(z.ZoneName)] = true
	}
	for i, z := range o.cluster.Spec.Zones {
		if !known[z] {
			return fmt.Errorf("spec.zones[%d]: account %s has no zone %s; it has %s", i, o.out.Account, z, strings.Join(names, ", "))
		}
	}
	return nil
}

// ours selects this cluster's resources of this installation.
func (o *observation) ours(more ...types.Filter) []types.Filter {
	return append([]types.Filter{
		{Name: aws.String("tag:" + plan.TagCluster), Values: []string{o.cluster.Metadata.Name}},
		{Name: aws.String("tag:" + plan.TagOwner), Values: []string{o.owner}},
	}, more...)
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

func ec2Tags(tags []types.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

// found adds a tagged resource. One without our key is nobody's to judge.
func (o *observation) found(kind, id string, tags, attributes map[string]string) {
	key := tags[plan.TagResource]
	if key == "" {
		key = "unnamed/" + id
	}
	o.keys[id] = key
	o.out.Resources = append(o.out.Resources, plan.Found{Key: key, Kind: kind, ID: id, Attributes: attributes, Tags: tags})
}

// part adds a resource that has no tags and belongs to a tagged one.
func (o *observation) part(key, kind, id string, attributes map[string]string) {
	o.out.Resources = append(o.out.Resources, plan.Found{Key: key, Kind: kind, ID: id, Attributes: attributes})
}

// name returns the key of an id, or the id where it is none of ours.
func (o *observation) name(id *string) string {
	if key, ok := o.keys[aws.ToString(id)]; ok {
		return key
	}
	return aws.ToString(id)
}

// idsOf returns the ids of what was found so far of a kind.
func (o *observation) idsOf(kind string) []string {
	var out []string
	for _, f := range o.out.Resources {
		if f.Kind == kind {
			out = append(out, f.ID)
		}
	}
	return out
}
