// SPDX-License-Identifier: Apache-2.0

package ec2

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Options of a [Client].
type Options struct {
	Region   string
	Endpoint string // replaces AWS for every service; empty: AWS
	Profile  string // of the AWS configuration files; empty: the SDK's default
	Attempts int    // for each call

	// InstanceMetadata lets credentials come from the EC2 instance's own
	// metadata service.
	InstanceMetadata bool
}

// Client reads one region of one account. It is safe for concurrent use.
type Client struct {
	opts        Options
	ec2         *ec2.Client
	autoscaling *autoscaling.Client
	iam         *iam.Client
	s3          *s3.Client
	route53     *route53.Client
	sts         *sts.Client
}

// New returns a client, or why there are no credentials.
func New(ctx context.Context, opts Options) (*Client, error) {
	load := []func(*config.LoadOptions) error{
		config.WithRegion(opts.Region),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
				o.StandardOptions = append(o.StandardOptions, func(s *retry.StandardOptions) { s.MaxAttempts = opts.Attempts })
			})
		}),
	}
	if !opts.InstanceMetadata {
		load = append(load, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	if opts.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(opts.Profile))
	}
	if opts.Endpoint != "" {
		load = append(load, config.WithBaseEndpoint(opts.Endpoint))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w; check ~/.aws/config and the profile %q", err, opts.Profile)
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("there are no AWS credentials: %w; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the provisioner's aws_profile or, on an EC2 instance, its instance_metadata, and start Hydra again", err)
	}
	return &Client{
		opts: opts, ec2: ec2.NewFromConfig(cfg), autoscaling: autoscaling.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg),
		route53: route53.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg),
		// Behind an endpoint of one's own there are no names for buckets.
		s3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = opts.Endpoint != "" }),
	}, nil
}

// failed explains an error of AWS to a person: what was asked, by whom, and
// what to do next.
func (c *Client) failed(action, who string, err error) error {
	if err == nil {
		return nil
	}
	if who == "" {
		who = "these credentials"
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		where := "AWS in " + c.opts.Region
		if c.opts.Endpoint != "" {
			where = c.opts.Endpoint
		}
		return fmt.Errorf("%s: no answer from %s: %w; check the region and the network", action, where, err)
	}
	switch code := api.ErrorCode(); {
	case strings.HasPrefix(code, "Unauthorized"), strings.HasPrefix(code, "AccessDenied"), code == "Forbidden", code == "403":
		return fmt.Errorf("%s is not allowed for %s (%s); add that action to its IAM policy and plan again", action, who, code)
	case code == "AuthFailure", code == "InvalidClientTokenId", code == "SignatureDoesNotMatch", code == "UnrecognizedClientException", code == "InvalidAccessKeyId":
		return fmt.Errorf("%s: AWS does not accept these credentials (%s); check the access key and the clock", action, code)
	case strings.HasPrefix(code, "ExpiredToken"), code == "RequestExpired":
		return fmt.Errorf("%s: the credentials have expired (%s); log in to AWS again and plan again", action, code)
	case code == "OptInRequired":
		return fmt.Errorf("%s: the account has not enabled region %s; enable it in the AWS console or choose another", action, c.opts.Region)
	}
	return fmt.Errorf("%s: %w", action, err)
}

// hasCode reports whether err is AWS's error of one of the codes.
func hasCode(err error, codes ...string) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		if api.ErrorCode() == c {
			return true
		}
	}
	return false
}
