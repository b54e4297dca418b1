// SPDX-License-Identifier: Apache-2.0

package ec2

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hydra-platform/hydra/services/provisioner/plan"
)

// PolicyName is the name of the one policy in each role.
const PolicyName = "hydra"

// named adds a resource whose name is ours by our tags, and otherwise notes
// that the name is taken.
func (o *observation) named(kind, name, id string, tags, attributes map[string]string) {
	if tags[plan.TagCluster] != o.cluster.Metadata.Name || tags[plan.TagOwner] != o.owner {
		o.out.Foreign = append(o.out.Foreign, kind+":"+name)
		return
	}
	o.found(kind, id, tags, attributes)
}

func iamTags(tags []iamtypes.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

// roles looks IAM up by name, because it cannot be searched by tag.
func (o *observation) roles(ctx context.Context) error {
	for _, machines := range []string{"control-plane", "nodes"} {
		name := plan.RoleName(o.cluster.Metadata.Name, machines)
		role, err := o.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
		switch {
		case hasCode(err, "NoSuchEntity"):
		case err != nil:
			return o.failed("iam:GetRole", o.who, err)
		default:
			attributes := map[string]string{"name": name, "policy": "none"}
			policy, err := o.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: aws.String(PolicyName)})
			if err != nil && !hasCode(err, "NoSuchEntity") {
				return o.failed("iam:GetRolePolicy", o.who, err)
			}
			if err == nil {
				document, err := url.QueryUnescape(aws.ToString(policy.PolicyDocument))
				if err != nil {
					return fmt.Errorf("read policy of role %s: %w", name, err)
				}
				attributes["policy"] = plan.PolicyHash(document)
			}
			o.named(plan.KindRole, name, aws.ToString(role.Role.Arn), iamTags(role.Role.Tags), attributes)
		}
		profile, err := o.iam.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
		switch {
		case hasCode(err, "NoSuchEntity"):
		case err != nil:
			return o.failed("iam:GetInstanceProfile", o.who, err)
		default:
			attributes := map[string]string{"name": name, "role": "none"}
			if roles := profile.InstanceProfile.Roles; len(roles) > 0 {
				attributes["role"] = aws.ToString(roles[0].RoleName)
			}
			o.named(plan.KindProfile, name, aws.ToString(profile.InstanceProfile.Arn), iamTags(profile.InstanceProfile.Tags), attributes)
		}
	}
	return nil
}

func (o *observation) bucket(ctx context.Context) error {
	name := o.cluster.Spec.Telemetry.Bucket
	if name == "" {
		return nil
	}
	_, err := o.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	switch {
	case hasCode(err, "NotFound", "NoSuchBucket"):
		return nil
	case hasCode(err, "Forbidden", "AccessDenied", "403", "MovedPermanently", "301", "BadRequest"):
		// Bucket names are one for the whole world: it is another account's,
		// in another region, or hidden from this identity.
		o.out.Foreign = append(o.out.Foreign, plan.KindBucket+":"+name)
		return nil
	case err != nil:
		return o.failed("s3:ListBucket", o.who, err)
	}
	tags := map[string]string{}
	out, err := o.s3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &name})
	if err != nil && !hasCode(err, "NoSuchTagSet") {
		return o.failed("s3:GetBucketTagging", o.who, err)
	}
	if err == nil {
		for _, t := range out.TagSet {
			tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
	}
	o.named(plan.KindBucket, name, name, tags, map[string]string{"name": name})
	return nil
}

func (o *observation) record(ctx context.Context) error {
	api := o.cluster.Spec.API
	if api.HostedZone == "" {
		return nil
	}
	zones, err := o.route53.ListHostedZonesByName(ctx, &route53.ListHostedZonesByNameInput{DNSName: &api.HostedZone})
	if err != nil {
		return o.failed("route53:ListHostedZonesByName", o.who, err)
	}
	var id string
	for _, z := range zones.HostedZones {
		if strings.TrimSuffix(aws.ToString(z.Name), ".") == api.HostedZone {
			id = strings.TrimPrefix(aws.ToString(z.Id), "/hostedzone/")
			break
		}
	}
	if id == "" {
		return fmt.Errorf("spec.api.hostedZone: account %s has no Route 53 zone %s; create it first or leave hostedZone out", o.out.Account, api.HostedZone)
	}
	sets, err := o.route53.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{HostedZoneId: &id, StartRecordName: &api.DNSName, StartRecordType: "A", MaxItems: aws.Int32(1)})
	if err != nil {
		return o.failed("route53:ListResourceRecordSets", o.who, err)
	}
	for _, s := range sets.ResourceRecordSets {
		if strings.TrimSuffix(aws.ToString(s.Name), ".") == api.DNSName && s.Type == "A" {
			o.part("record/api", plan.KindRecord, id+"/"+api.DNSName, map[string]string{"name": api.DNSName, "zone": api.HostedZone, "ttl": fmt.Sprint(aws.ToInt64(s.TTL))})
		}
	}
	return nil
}
