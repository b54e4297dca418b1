// SPDX-License-Identifier: Apache-2.0

// Package config fills a service's configuration: defaults, then a YAML file
// whose unknown keys are errors, then the environment.
package config

import (
	"fmt"
	"os"
	"strings"

	"github.com/caarlos0/env/v11"
	"sigs.k8s.io/yaml"
)

// Validator is a configuration that can say what is wrong with it, naming the
// field and what was expected.
type Validator interface {
	Validate() error
}

// Load fills cfg, a pointer to a struct that holds the defaults. file may be
// empty. A field with the tag `env:"NAME"` is overridden by the environment
// variable HYDRA_<UNIT>_NAME.
func Load(unit, file string, cfg Validator) error {
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read configuration: %w", err)
		}
		if err := Section(data, unit, cfg); err != nil {
			return fmt.Errorf("configuration %s: %w", file, err)
		}
	}
	prefix := "HYDRA_" + strings.ToUpper(unit) + "_"
	if err := env.ParseWithOptions(cfg, env.Options{Prefix: prefix}); err != nil {
		return fmt.Errorf("configuration of %s from the environment: %w", unit, err)
	}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("configuration of %s: %w", unit, err)
	}
	return nil
}

// Section reads one unit's part of a configuration document: the value of the
// top-level key that is the unit's name.
func Section(data []byte, unit string, into any) error {
	var sections map[string]any
	if err := yaml.Unmarshal(data, &sections); err != nil {
		return err
	}
	section, ok := sections[unit]
	if !ok || section == nil {
		return nil
	}
	part, err := yaml.Marshal(section)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(part, into); err != nil {
		return fmt.Errorf("section %s: %w", unit, err)
	}
	return nil
}
