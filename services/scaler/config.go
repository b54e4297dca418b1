// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"fmt"
	"time"
)

// Config of the scaler. Environment: HYDRA_SCALER_<NAME>.
type Config struct {
	// Interval between two looks at each app that has a policy.
	Interval time.Duration `env:"INTERVAL" json:"interval"`
	// MaxManual is the highest number that a person may fix.
	MaxManual int `env:"MAX_MANUAL" json:"maxManual"`
	// Parallel is how many apps are looked at at once.
	Parallel int `env:"PARALLEL" json:"parallel"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() *Config {
	return &Config{Interval: 5 * time.Second, MaxManual: 100, Parallel: 8}
}

// Validate names the first field that is wrong.
func (c *Config) Validate() error {
	switch {
	case c.Interval < time.Second:
		return fmt.Errorf("interval %s: want at least 1s", c.Interval)
	case c.MaxManual < 1:
		return fmt.Errorf("maxManual %d: want at least 1", c.MaxManual)
	case c.Parallel < 1:
		return fmt.Errorf("parallel %d: want at least 1", c.Parallel)
	}
	return nil
}
