// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"time"
)

// Config of the builder. Durations in a configuration file are nanoseconds,
// in the environment they read 15m.
type Config struct {
	BuildkitAddr string        `json:"buildkitAddr" env:"BUILDKIT_ADDR"` // unix:///path or tcp://host:port
	BuildkitWait time.Duration `json:"buildkitWait" env:"BUILDKIT_WAIT"` // how long a build waits for BuildKit or the registry before it fails

	Registry         string `json:"registry" env:"REGISTRY"`                  // host:port in image references
	PushRegistry     string `json:"pushRegistry" env:"PUSH_REGISTRY"`         // host:port at which BuildKit reaches it; default Registry
	InsecureRegistry bool   `json:"insecureRegistry" env:"INSECURE_REGISTRY"` // plain HTTP; loopback addresses always are
	RegistryUser     string `json:"registryUser" env:"REGISTRY_USER"`
	RegistryPassword string `json:"-" env:"REGISTRY_PASSWORD,unset"`

	LocalRepositories []string `json:"localRepositories" env:"LOCAL_REPOSITORIES"` // directories below which repositories may be read by path or file://
	GitCredentials    string   `json:"gitCredentials" env:"GIT_CREDENTIALS"`       // file with a line https://user:password@host for each host
	MaxSourceMB       int      `json:"maxSourceMB" env:"MAX_SOURCE_MB"`            // of one commit
	MaxSourceFiles    int      `json:"maxSourceFiles" env:"MAX_SOURCE_FILES"`

	GoImage    string `json:"goImage" env:"GO_IMAGE"`       // toolchain for Go modules without a Dockerfile
	GoProxy    string `json:"goProxy" env:"GO_PROXY"`       // GOPROXY of the step that downloads modules
	GoNoSumDB  string `json:"goNoSumDB" env:"GO_NOSUMDB"`   // GONOSUMDB of that step
	HTTPProxy  string `json:"httpProxy" env:"HTTP_PROXY"`   // for build steps with a network
	HTTPSProxy string `json:"httpsProxy" env:"HTTPS_PROXY"` // for build steps with a network
	NoProxy    string `json:"noProxy" env:"NO_PROXY"`
	CACert     string `json:"caCert" env:"CA_CERT"`         // PEM file with further certificates for the step that downloads modules
	SecretsDir string `json:"secretsDir" env:"SECRETS_DIR"` // build secrets: <dir>/<project>/<id>

	BuildTimeout time.Duration `json:"buildTimeout" env:"BUILD_TIMEOUT"` // for source and image
	TestTimeout  time.Duration `json:"testTimeout" env:"TEST_TIMEOUT"`
	Concurrency  int           `json:"concurrency" env:"CONCURRENCY"` // builds at once
}

// DefaultConfig is what works on one machine.
func DefaultConfig() *Config {
	return &Config{
		BuildkitAddr: "unix:///run/buildkit/buildkitd.sock",
		BuildkitWait: 10 * time.Minute,
		Registry:     "127.0.0.1:7050",
		MaxSourceMB:  1024, MaxSourceFiles: 100_000,
		GoImage:      "docker.io/library/golang:1.26",
		BuildTimeout: 15 * time.Minute, TestTimeout: 10 * time.Minute,
		Concurrency: 2,
	}
}

// Validate reports every setting that cannot work.
func (c *Config) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !strings.HasPrefix(c.BuildkitAddr, "unix://") && !strings.HasPrefix(c.BuildkitAddr, "tcp://") {
		fail("buildkitAddr %q: want unix:///path or tcp://host:port", c.BuildkitAddr)
	}
	if c.Registry == "" || strings.ContainsAny(c.Registry, "/@ ") {
		fail("registry %q: want host:port", c.Registry)
	}
	if strings.ContainsAny(c.PushRegistry, "/@ ") {
		fail("pushRegistry %q: want host:port", c.PushRegistry)
	}
	if c.GoImage == "" || strings.ContainsAny(c.GoImage, " \n") {
		fail("goImage %q: want an image reference", c.GoImage)
	}
	for _, dir := range c.LocalRepositories {
		if !filepath.IsAbs(dir) {
			fail("localRepositories %q: want an absolute path", dir)
		}
	}
	for name, d := range map[string]time.Duration{"buildkitWait": c.BuildkitWait, "buildTimeout": c.BuildTimeout, "testTimeout": c.TestTimeout} {
		if d <= 0 {
			fail("%s %s: want more than 0", name, d)
		}
	}
	for name, n := range map[string]int{"concurrency": c.Concurrency, "maxSourceMB": c.MaxSourceMB, "maxSourceFiles": c.MaxSourceFiles} {
		if n <= 0 {
			fail("%s %d: want more than 0", name, n)
		}
	}
	return errors.Join(errs...)
}

func (c *Config) pushRegistry() string {
	if c.PushRegistry != "" {
		return c.PushRegistry
	}
	return c.Registry
}

// insecure: a registry on the loopback interface has no certificate.
func (c *Config) insecure() bool {
	host, _, err := net.SplitHostPort(c.pushRegistry())
	if err != nil {
		host = c.pushRegistry()
	}
	addr, err := netip.ParseAddr(host)
	return c.InsecureRegistry || host == "localhost" || err == nil && addr.IsLoopback()
}
