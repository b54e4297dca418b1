// SPDX-License-Identifier: Apache-2.0

package ec2

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/hydra-platform/hydra/services/provisioner/plan"
)

func (o *observation) volumes(ctx context.Context) error {
	pages := ec2.NewDescribeVolumesPaginator(o.ec2, &ec2.DescribeVolumesInput{Filters: o.ours()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("ec2:DescribeVolumes", o.who, err)
		}
		for _, v := range page.Volumes {
			if tags := ec2Tags(v.Tags); tags[plan.TagResource] != "" { // root disks have no key of their own
				o.found(plan.KindVolume, aws.ToString(v.VolumeId), tags, map[string]string{
					"zone": aws.ToString(v.AvailabilityZone), "size": fmt.Sprint(aws.ToInt32(v.Size)), "type": string(v.VolumeType), "encrypted": fmt.Sprint(aws.ToBool(v.Encrypted)),
				})
			}
		}
	}
	return nil
}

func (o *observation) launchTemplates(ctx context.Context) error {
	pages := ec2.NewDescribeLaunchTemplatesPaginator(o.ec2, &ec2.DescribeLaunchTemplatesInput{Filters: o.ours()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("ec2:DescribeLaunchTemplates", o.who, err)
		}
		for _, t := range page.LaunchTemplates {
			o.found(plan.KindLaunchTemplate, aws.ToString(t.LaunchTemplateId), ec2Tags(t.Tags), map[string]string{"name": aws.ToString(t.LaunchTemplateName)})
		}
	}
	return nil
}

func (o *observation) instances(ctx context.Context) error {
	pages := ec2.NewDescribeInstancesPaginator(o.ec2, &ec2.DescribeInstancesInput{
		Filters: o.ours(filter("instance-state-name", "pending", "running", "stopping", "stopped")),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("ec2:DescribeInstances", o.who, err)
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				tags := ec2Tags(i.Tags)
				if tags["aws:autoscaling:groupName"] != "" {
					continue // its group's
				}
				attributes := map[string]string{"instanceType": string(i.InstanceType)}
				if i.Placement != nil {
					attributes["zone"] = aws.ToString(i.Placement.AvailabilityZone)
				}
				o.found(plan.KindInstance, aws.ToString(i.InstanceId), tags, attributes)
			}
		}
	}
	return nil
}

func (o *observation) groups(ctx context.Context) error {
	by := func(tag, value string) asgtypes.Filter {
		return asgtypes.Filter{Name: aws.String("tag:" + tag), Values: []string{value}}
	}
	pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(o.autoscaling, &autoscaling.DescribeAutoScalingGroupsInput{
		Filters: []asgtypes.Filter{by(plan.TagCluster, o.cluster.Metadata.Name), by(plan.TagOwner, o.owner)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o.failed("autoscaling:DescribeAutoScalingGroups", o.who, err)
		}
		for _, g := range page.AutoScalingGroups {
			tags := map[string]string{}
			for _, t := range g.Tags {
				tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
			o.found(plan.KindGroup, aws.ToString(g.AutoScalingGroupName), tags, map[string]string{
				"name": aws.ToString(g.AutoScalingGroupName), "min": fmt.Sprint(aws.ToInt32(g.MinSize)), "max": fmt.Sprint(aws.ToInt32(g.MaxSize)),
			})
		}
	}
	return nil
}
