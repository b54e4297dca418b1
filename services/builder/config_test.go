// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	for field, change := range map[string]func(*Config){
		"buildkitAddr":      func(c *Config) { c.BuildkitAddr = "/run/x" },
		"registry":          func(c *Config) { c.Registry = "http://x" },
		"localRepositories": func(c *Config) { c.LocalRepositories = []string{"x"} },
		"testTimeout":       func(c *Config) { c.TestTimeout = -time.Second },
		"concurrency":       func(c *Config) { c.Concurrency = 0 },
		"goImage":           func(c *Config) { c.GoImage = "a\nRUN b" },
	} {
		cfg := DefaultConfig()
		change(cfg)
		require.ErrorContains(t, cfg.Validate(), field)
	}
	for host, want := range map[string]bool{"127.0.0.1:7050": true, "localhost:1": true, "[::1]:5": true, "10.0.0.1:5": false, "registry.example.com": false} {
		require.Equal(t, want, (&Config{Registry: "x", PushRegistry: host}).insecure(), host)
	}
}

func TestUnitDeclaresItsEvents(t *testing.T) {
	t.Parallel()
	var in []string
	for _, route := range Unit.Routes {
		if route.In != "" {
			in = append(in, route.In.Name())
		}
		require.Contains(t, route.Out, events.BuildFinished{}.EventType())
	}
	require.Equal(t, []string{"change.merged", "build.requested"}, in)
}

func TestPurl(t *testing.T) {
	t.Parallel()
	require.Equal(t, "pkg:oci/shop@sha256%3Aab?repository_url=127.0.0.1:7050/acme/shop", purl("127.0.0.1:7050", "acme/shop", "sha256:ab"))
}
