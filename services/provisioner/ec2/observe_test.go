// SPDX-License-Identifier: Apache-2.0

package ec2_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/provisioner/ec2"
	"github.com/hydra-platform/hydra/services/provisioner/mototest"
	"github.com/hydra-platform/hydra/services/provisioner/plan"
	"github.com/hydra-platform/hydra/services/provisioner/spec"
)

const owner = "installation-1"

// TestAgainstMoto uses credentials from the environment, so that its cases
// run one after the other.
func TestAgainstMoto(t *testing.T) {
	credentialsFor(t)
	url := mototest.Start(t)
	data, err := os.ReadFile("../../../examples/cluster.yaml")
	require.NoError(t, err)
	c, err := spec.Parse(data)
	require.NoError(t, err)
	c.Spec.Telemetry.Bucket = "demo-telemetry"
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"), config.WithBaseEndpoint(url))
	require.NoError(t, err)
	api := sdk.NewFromConfig(cfg)

	p := look(t, url, c)
	for _, r := range p.Resources {
		require.Equal(t, plan.Create, r.Action, r.Key)
	}
	again, err := json.Marshal(look(t, url, c))
	require.NoError(t, err)
	first, err := json.Marshal(p)
	require.NoError(t, err)
	require.Equal(t, string(first), string(again), "same inputs, same bytes")

	// Another installation's VPC of the same cluster name is not ours, nor is
	// one without tags.
	vpc(t, api, "10.20.0.0/16", tags(c, "installation-2", "vpc"))
	vpc(t, api, "10.20.0.0/16", nil)
	require.Equal(t, plan.Create, find(t, look(t, url, c), "vpc").Action)

	// Ours is kept, and so is what is in it.
	id := vpc(t, api, "10.20.0.0/16", tags(c, owner, "vpc"))
	_, err = api.ModifyVpcAttribute(t.Context(), &sdk.ModifyVpcAttributeInput{VpcId: &id, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}})
	require.NoError(t, err)
	_, err = api.CreateSubnet(t.Context(), &sdk.CreateSubnetInput{VpcId: &id, CidrBlock: aws.String("10.20.0.0/20"), AvailabilityZone: aws.String("us-east-1a"),
		TagSpecifications: specs(types.ResourceTypeSubnet, tags(c, owner, "subnet/public/us-east-1a"))})
	require.NoError(t, err)
	group, err := api.CreateSecurityGroup(t.Context(), &sdk.CreateSecurityGroupInput{VpcId: &id, Description: aws.String("nodes"),
		GroupName:         aws.String(plan.ResourceName(c.Metadata.Name, "security-group/nodes")),
		TagSpecifications: specs(types.ResourceTypeSecurityGroup, tags(c, owner, "security-group/nodes"))})
	require.NoError(t, err)
	_, err = api.AuthorizeSecurityGroupIngress(t.Context(), &sdk.AuthorizeSecurityGroupIngressInput{GroupId: group.GroupId, IpPermissions: []types.IpPermission{
		{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(80), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}},
		{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(30000), ToPort: aws.Int32(32767), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}},
	}})
	require.NoError(t, err)
	p = look(t, url, c)
	require.Equal(t, plan.Keep, find(t, p, "vpc").Action, find(t, p, "vpc").Reason)
	require.Equal(t, id, find(t, p, "vpc").ID)
	require.Equal(t, "publicAddresses is false, want true", find(t, p, "subnet/public/us-east-1a").Reason)
	require.Equal(t, plan.Keep, find(t, p, "security-group/nodes").Action, find(t, p, "security-group/nodes").Reason)
	require.Equal(t, plan.Keep, find(t, p, "rule/security-group/nodes/in/tcp/80-80/0.0.0.0/0").Action)
	require.Equal(t, plan.Keep, find(t, p, "rule/security-group/nodes/out/all/all/0.0.0.0/0").Action)
	require.Equal(t, plan.Delete, find(t, p, "rule/security-group/nodes/in/tcp/30000-32767/0.0.0.0/0").Action, "nobody planned it")

	// A tag that somebody changed is set right.
	_, err = api.CreateTags(t.Context(), &sdk.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("nobody")}}})
	require.NoError(t, err)
	drifted := find(t, look(t, url, c), "vpc")
	require.Equal(t, plan.Change, drifted.Action)
	require.Equal(t, "tag team is nobody, want platform", drifted.Reason)

	// What the spec names and the account does not have.
	c.Spec.Zones = []string{"us-east-1a", "us-east-1z"}
	client, err := ec2.New(t.Context(), ec2.Options{Region: "us-east-1", Endpoint: url, Attempts: 1})
	require.NoError(t, err)
	_, err = client.Observe(t.Context(), c, owner)
	require.ErrorContains(t, err, "spec.zones[1]: account 123456789012 has no zone us-east-1z; it has us-east-1a")
}

// TestDenied meets an AWS that says no.
func TestDenied(t *testing.T) {
	credentialsFor(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, r.ParseForm())
		w.Header().Set("Content-Type", "text/xml")
		if r.Form.Get("Action") == "GetCallerIdentity" {
			_, _ = w.Write([]byte(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/eve</Arn><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`))
			return
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized</Message></Error></Errors></Response>`))
	}))
	defer srv.Close()
	client, err := ec2.New(t.Context(), ec2.Options{Region: "us-east-1", Endpoint: srv.URL, Attempts: 1})
	require.NoError(t, err)
	_, err = client.Observe(t.Context(), spec.Cluster{}, owner)
	require.EqualError(t, err, "ec2:DescribeAvailabilityZones is not allowed for arn:aws:iam::1:user/eve (UnauthorizedOperation); add that action to its IAM policy and plan again")
}

func TestNoCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	quiet(t)
	_, err := ec2.New(t.Context(), ec2.Options{Region: "us-east-1", Attempts: 1})
	require.ErrorContains(t, err, "there are no AWS credentials")
	require.ErrorContains(t, err, "set AWS_ACCESS_KEY_ID")
}

func credentialsFor(t *testing.T) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	quiet(t)
}

// quiet keeps the SDK off this machine's own configuration and off the
// address of the metadata service.
func quiet(t *testing.T) {
	t.Helper()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
}

func look(t *testing.T, url string, c spec.Cluster) record.Plan {
	t.Helper()
	client, err := ec2.New(t.Context(), ec2.Options{Region: c.Spec.Region, Endpoint: url, Attempts: 3})
	require.NoError(t, err)
	seen, err := client.Observe(t.Context(), c, owner)
	require.NoError(t, err)
	p, err := plan.Make(c, seen)
	require.NoError(t, err)
	return p
}

func find(t *testing.T, p record.Plan, key string) record.PlanResource {
	t.Helper()
	for _, r := range p.Resources {
		if r.Key == key {
			return r
		}
	}
	require.Failf(t, "not planned", "%s", key)
	return record.PlanResource{}
}

func tags(c spec.Cluster, owner, key string) map[string]string {
	out := plan.Tags(c.Metadata.Name, owner, key)
	maps.Copy(out, c.Spec.Tags)
	return out
}

func specs(kind types.ResourceType, tags map[string]string) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	s := types.TagSpecification{ResourceType: kind}
	for k, v := range tags {
		s.Tags = append(s.Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	return []types.TagSpecification{s}
}

func vpc(t *testing.T, api *sdk.Client, cidr string, tags map[string]string) string {
	t.Helper()
	out, err := api.CreateVpc(t.Context(), &sdk.CreateVpcInput{CidrBlock: &cidr, TagSpecifications: specs(types.ResourceTypeVpc, tags)})
	require.NoError(t, err)
	return aws.ToString(out.Vpc.VpcId)
}
