// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/clock"
	"github.com/hydra-platform/hydra/libs/config"
	"github.com/hydra-platform/hydra/libs/kube"
)

// Deps is what the process gives each service.
type Deps struct {
	Bus     *bus.Bus
	Kube    *kube.Lazy
	Log     zerolog.Logger
	Metrics prometheus.Registerer
	Clock   clock.Clock
	Version string
}

// Service is what a unit's constructor returns.
type Service interface {
	// Register declares every event that comes in and that may go out.
	Register(r *bus.Router)
	// Run does the service's own work, such as serving HTTP or watching the
	// cluster, until ctx ends. A service without any waits for ctx. An error
	// other than ctx's is fatal.
	Run(ctx context.Context) error
}

// Unit is the definition of a service.
type Unit struct {
	Name   string
	Routes []bus.Route // from Register, without anything being started

	build func(file string, override func(cfg any), d Deps) (Service, error)
}

// Define makes a unit. defaults returns a pointer to a configuration with all
// defaults set; construct must not start anything and must accept a zero Deps,
// so that Register can be read for the event graph.
func Define[C config.Validator, S Service](name string, defaults func() C, construct func(C, Deps) (S, error)) Unit {
	u := Unit{Name: name}
	u.build = func(file string, override func(cfg any), d Deps) (Service, error) {
		cfg := defaults()
		if override != nil {
			override(cfg)
		}
		if err := config.Load(name, file, cfg); err != nil {
			return nil, err
		}
		s, err := construct(cfg, d)
		if err != nil {
			return nil, fmt.Errorf("construct %s: %w", name, err)
		}
		return s, nil
	}
	if s, err := construct(defaults(), Deps{}); err == nil {
		r := bus.NewRouter(name)
		s.Register(r)
		u.Routes = r.Routes()
	}
	return u
}
