// SPDX-License-Identifier: Apache-2.0

package ec2

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/hydra-platform/hydra/services/provisioner/plan"
)

func (o *observation) vpcs(ctx context.Context) error {
	pages := ec2.NewDescribeVpcsPaginator(o.ec2, &ec2.DescribeVpcsInput{Filters: o.ours()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("ec2:DescribeVpcs", o.who, err)
		}
		for _, v := range page.Vpcs {
			names, err := o.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: v.VpcId, Attribute: types.VpcAttributeNameEnableDnsHostnames})
			if err != nil {
				return o.failed("ec2:DescribeVpcAttribute", o.who, err)
			}
			attributes := map[string]string{"cidr": aws.ToString(v.CidrBlock)}
			if names.EnableDnsHostnames != nil {
				attributes["dnsHostnames"] = fmt.Sprint(aws.ToBool(names.EnableDnsHostnames.Value))
			}
			o.found(plan.KindVPC, aws.ToString(v.VpcId), ec2Tags(v.Tags), attributes)
		}
	}
	return nil
}

func (o *observation) subnets(ctx context.Context) error {
	pages := ec2.NewDescribeSubnetsPaginator(o.ec2, &ec2.DescribeSubnetsInput{Filters: o.ours()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("ec2:DescribeSubnets", o.who, err)
		}
		for _, s := range page.Subnets {
			o.found(plan.KindSubnet, aws.ToString(s.SubnetId), ec2Tags(s.Tags), map[string]string{
				"cidr": aws.ToString(s.CidrBlock), "zone": aws.ToString(s.AvailabilityZone), "vpc": o.name(s.VpcId),
				"publicAddresses": fmt.Sprint(aws.ToBool(s.MapPublicIpOnLaunch)),
			})
		}
	}
	return nil
}

func (o *observation) internetGateways(ctx context.Context) error {
	pages := ec2.NewDescribeInternetGatewaysPaginator(o.ec2, &ec2.DescribeInternetGatewaysInput{Filters: o.ours()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("ec2:DescribeInternetGateways", o.who, err)
		}
		for _, g := range page.InternetGateways {
			attached := "nothing"
			if len(g.Attachments) > 0 {
				attached = o.name(g.Attachments[0].VpcId)
			}
			o.found(plan.KindInternetGateway, aws.ToString(g.InternetGatewayId), ec2Tags(g.Tags), map[string]string{"vpc": attached})
		}
	}
	return nil
}

func (o *observation) addresses(ctx context.Context) error {
	out, err := o.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{Filters: o.ours()}) // has no pages
	if err != nil {
		return o.failed("ec2:DescribeAddresses", o.who, err)
	}
	for _, a := range out.Addresses {
		o.found(plan.KindAddress, aws.ToString(a.AllocationId), ec2Tags(a.Tags), nil)
	}
	return nil
}

func (o *observation) natGateways(ctx context.Context) error {
	pages := ec2.NewDescribeNatGatewaysPaginator(o.ec2, &ec2.DescribeNatGatewaysInput{
		Filter: o.ours(filter("state", string(types.NatGatewayStatePending), string(types.NatGatewayStateAvailable))),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("ec2:DescribeNatGateways", o.who, err)
		}
		for _, n := range page.NatGateways {
			o.found(plan.KindNATGateway, aws.ToString(n.NatGatewayId), ec2Tags(n.Tags), map[string]string{"subnet": o.name(n.SubnetId)})
		}
	}
	return nil
}

func (o *observation) routeTables(ctx context.Context) error {
	pages := ec2.NewDescribeRouteTablesPaginator(o.ec2, &ec2.DescribeRouteTablesInput{Filters: o.ours()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("ec2:DescribeRouteTables", o.who, err)
		}
		for _, t := range page.RouteTables {
			id := aws.ToString(t.RouteTableId)
			o.found(plan.KindRouteTable, id, ec2Tags(t.Tags), map[string]string{"vpc": o.name(t.VpcId)})
			table := o.keys[id]
			for _, r := range t.Routes {
				destination, target := aws.ToString(r.DestinationCidrBlock), target(r)
				if destination == "" || aws.ToString(target) == "local" || strings.HasPrefix(aws.ToString(target), "vpce-") {
					continue // AWS's own and the endpoint's
				}
				o.part(plan.RouteKey(table, destination), plan.KindRoute, id+"/"+destination, map[string]string{"target": o.name(target)})
			}
			for _, a := range t.Associations {
				if a.SubnetId != nil {
					o.part(plan.AssociationKey(table, o.name(a.SubnetId)), plan.KindAssociation, aws.ToString(a.RouteTableAssociationId), nil)
				}
			}
		}
	}
	return nil
}

// target is where a route leads.
func target(r types.Route) *string {
	for _, id := range []*string{r.GatewayId, r.NatGatewayId, r.InstanceId, r.NetworkInterfaceId, r.TransitGatewayId, r.VpcPeeringConnectionId, r.EgressOnlyInternetGatewayId} {
		if aws.ToString(id) != "" {
			return id
		}
	}
	return aws.String("nothing")
}

func (o *observation) endpoints(ctx context.Context) error {
	pages := ec2.NewDescribeVpcEndpointsPaginator(o.ec2, &ec2.DescribeVpcEndpointsInput{Filters: o.ours()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("ec2:DescribeVpcEndpoints", o.who, err)
		}
		for _, e := range page.VpcEndpoints {
			if state := strings.ToLower(string(e.State)); state == "deleted" || state == "deleting" {
				continue
			}
			o.found(plan.KindEndpoint, aws.ToString(e.VpcEndpointId), ec2Tags(e.Tags), map[string]string{
				"service": aws.ToString(e.ServiceName), "vpc": o.name(e.VpcId), "type": string(e.VpcEndpointType),
			})
		}
	}
	return nil
}

func (o *observation) securityGroups(ctx context.Context) error {
	pages := ec2.NewDescribeSecurityGroupsPaginator(o.ec2, &ec2.DescribeSecurityGroupsInput{Filters: o.ours()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("ec2:DescribeSecurityGroups", o.who, err)
		}
		for _, g := range page.SecurityGroups {
			o.found(plan.KindSecurityGroup, aws.ToString(g.GroupId), ec2Tags(g.Tags), map[string]string{"name": aws.ToString(g.GroupName), "vpc": o.name(g.VpcId)})
		}
	}
	return nil
}

// rules reads every rule of our groups, also those that somebody else added.
func (o *observation) rules(ctx context.Context) error {
	ids := o.idsOf(plan.KindSecurityGroup)
	if len(ids) == 0 {
		return nil
	}
	pages := ec2.NewDescribeSecurityGroupRulesPaginator(o.ec2, &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{filter("group-id", ids...)}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("ec2:DescribeSecurityGroupRules", o.who, err)
		}
		for _, r := range page.SecurityGroupRules {
			direction, peer := "in", aws.ToString(r.CidrIpv4)
			if aws.ToBool(r.IsEgress) {
				direction = "out"
			}
			switch {
			case r.CidrIpv6 != nil:
				peer = aws.ToString(r.CidrIpv6)
			case r.PrefixListId != nil:
				peer = aws.ToString(r.PrefixListId)
			case r.ReferencedGroupInfo != nil:
				peer = o.name(r.ReferencedGroupInfo.GroupId)
			}
			key := plan.RuleKey(o.name(r.GroupId), direction, aws.ToString(r.IpProtocol), aws.ToInt32(r.FromPort), aws.ToInt32(r.ToPort), peer)
			o.part(key, plan.KindRule, aws.ToString(r.SecurityGroupRuleId), nil)
		}
	}
	return nil
}
