// SPDX-License-Identifier: Apache-2.0

package deployer

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/hydra-platform/hydra/services/deployer/oam"
	"github.com/hydra-platform/hydra/services/deployer/render"
)

// Config is what an operator may set.
type Config struct {
	// HealthDeadline is how long a revision may take to become healthy where
	// its file does not say it.
	HealthDeadline Duration `json:"healthDeadline" env:"HEALTH_DEADLINE"`
	// Domain ends the host name of every app: <app>.<project>.<domain>.
	Domain string `json:"domain" env:"DOMAIN"`
	// EntryScheme and EntryPort are those under which people reach the entry.
	// Port 0 is the scheme's own.
	EntryScheme string `json:"entryScheme" env:"ENTRY_SCHEME"`
	EntryPort   int    `json:"entryPort" env:"ENTRY_PORT"`
	// GatewayName and GatewayNamespace name the Gateway that routes attach to.
	GatewayName      string `json:"gatewayName" env:"GATEWAY_NAME"`
	GatewayNamespace string `json:"gatewayNamespace" env:"GATEWAY_NAMESPACE"`
	// CPURequest and MemoryRequest are those of a component that says nothing.
	CPURequest    string `json:"cpuRequest" env:"CPU_REQUEST"`
	MemoryRequest string `json:"memoryRequest" env:"MEMORY_REQUEST"`
	// Grace is how long a pod serves on after it left its Service: longer than
	// the slowest proxy takes to notice.
	Grace Duration `json:"grace" env:"GRACE"`
}

// Duration is written as Go writes it, such as 2m or 90s.
type Duration time.Duration

// UnmarshalText reads the notation of Go.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// MarshalText writes the notation of Go.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// DefaultConfig returns what holds when nothing is set.
func DefaultConfig() *Config {
	return &Config{
		HealthDeadline:   Duration(2 * time.Minute),
		Domain:           "localhost",
		EntryScheme:      "http",
		EntryPort:        7080,
		GatewayName:      "hydra",
		GatewayNamespace: "hydra-system",
		CPURequest:       "50m",
		MemoryRequest:    "64Mi",
		Grace:            Duration(5 * time.Second),
	}
}

// Validate says which field is wrong.
func (c *Config) Validate() error {
	if d := time.Duration(c.HealthDeadline); d < oam.MinDeadline || d > oam.MaxDeadline {
		return fmt.Errorf("healthDeadline: want %s to %s, got %s", oam.MinDeadline, oam.MaxDeadline, d)
	}
	if c.Domain == "" {
		return fmt.Errorf("domain: want a domain, such as localhost")
	}
	if c.EntryScheme != "http" && c.EntryScheme != "https" {
		return fmt.Errorf("entryScheme: want http or https, got %q", c.EntryScheme)
	}
	if c.EntryPort < 0 || c.EntryPort > 65535 {
		return fmt.Errorf("entryPort: want 0 to 65535, got %d", c.EntryPort)
	}
	if c.GatewayName == "" || c.GatewayNamespace == "" {
		return fmt.Errorf("gatewayName, gatewayNamespace: want the Gateway that routes attach to")
	}
	for name, text := range map[string]string{"cpuRequest": c.CPURequest, "memoryRequest": c.MemoryRequest} {
		if _, err := resource.ParseQuantity(text); err != nil {
			return fmt.Errorf("%s: want a quantity such as 50m or 64Mi, got %q", name, text)
		}
	}
	if d := time.Duration(c.Grace); d < 0 || d > 5*time.Minute {
		return fmt.Errorf("grace: want 0s to 5m, got %s", d)
	}
	return nil
}

func (c *Config) options() render.Options {
	return render.Options{
		Domain: c.Domain, Scheme: c.EntryScheme, Port: c.EntryPort, GatewayName: c.GatewayName, GatewaySpace: c.GatewayNamespace,
		CPURequest: c.CPURequest, MemoryRequest: c.MemoryRequest, Grace: time.Duration(c.Grace),
	}
}
