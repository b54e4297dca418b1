// SPDX-License-Identifier: Apache-2.0

package provisioner

import (
	"fmt"
	"net/url"
	"regexp"
	"time"
)

// Config of the provisioner. Environment: HYDRA_PROVISIONER_<NAME>.
// Credentials are found as the AWS SDK finds them.
type Config struct {
	// AWSEndpoint replaces AWS, for every service; empty: AWS.
	AWSEndpoint string `env:"AWS_ENDPOINT" json:"aws_endpoint"`
	// AWSProfile is the profile of the AWS configuration files; empty: the SDK's default.
	AWSProfile string `env:"AWS_PROFILE" json:"aws_profile"`
	// InstanceMetadata lets credentials come from the metadata service of the
	// EC2 instance that Hydra runs on. Elsewhere nothing answers there.
	InstanceMetadata bool `env:"INSTANCE_METADATA" json:"instance_metadata"`
	// Owner is the id of this installation in the tags of what it makes;
	// empty: chosen at the first plan and kept.
	Owner string `env:"OWNER" json:"owner"`
	// Attempts of each call to AWS.
	Attempts int `env:"ATTEMPTS" json:"attempts"`
	// Timeout of one look at AWS.
	Timeout time.Duration `env:"TIMEOUT" json:"timeout"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() *Config { return &Config{Attempts: 8, Timeout: 2 * time.Minute} }

var ownerForm = regexp.MustCompile(`^[a-zA-Z0-9-]{0,64}$`)

// Validate names the first field that is wrong.
func (c *Config) Validate() error {
	if c.AWSEndpoint != "" {
		if u, err := url.Parse(c.AWSEndpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("aws_endpoint %q: want a URL such as http://127.0.0.1:5000", c.AWSEndpoint)
		}
	}
	switch {
	case !ownerForm.MatchString(c.Owner):
		return fmt.Errorf("owner %q: want at most 64 letters, digits and -", c.Owner)
	case c.Attempts < 1 || c.Attempts > 50:
		return fmt.Errorf("attempts %d: want 1 to 50", c.Attempts)
	case c.Timeout < time.Second:
		return fmt.Errorf("timeout %s: want at least 1s", c.Timeout)
	}
	return nil
}
