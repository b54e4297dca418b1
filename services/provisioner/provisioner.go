// SPDX-License-Identifier: Apache-2.0

package provisioner

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/provisioner/ec2"
	"github.com/hydra-platform/hydra/services/provisioner/plan"
	"github.com/hydra-platform/hydra/services/provisioner/spec"
)

// Unit is the provisioner's definition.
var Unit = service.Define("provisioner", DefaultConfig, New)

// Service plans clusters. Make it with [New].
type Service struct {
	cfg *Config
	bus *bus.Bus
}

// New returns the service; nothing is started.
func New(cfg *Config, d service.Deps) (*Service, error) {
	return &Service{cfg: cfg, bus: d.Bus}, nil
}

// Register says what comes in and what may go out.
func (s *Service) Register(r *bus.Router) {
	bus.On(r, s.onPlanRequested, events.InfrastructurePlanned{}, events.InfrastructurePlanFailed{})
}

// Run waits: a plan is made when it is asked for.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// look finds what a cluster has.
func (s *Service) look(ctx context.Context, c spec.Cluster, owner string) (plan.Observed, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	client, err := ec2.New(ctx, ec2.Options{Region: c.Spec.Region, Endpoint: s.cfg.AWSEndpoint, Profile: s.cfg.AWSProfile, Attempts: s.cfg.Attempts, InstanceMetadata: s.cfg.InstanceMetadata})
	if err != nil {
		return plan.Observed{}, err
	}
	return client.Observe(ctx, c, owner)
}

// installation is this installation's name for itself.
type installation struct {
	Owner string `json:"owner"`
}

// owner returns the id of this installation, which is chosen once.
func (s *Service) owner(ctx context.Context) (string, error) {
	if s.cfg.Owner != "" {
		return s.cfg.Owner, nil
	}
	bucket, err := store.Open[installation](ctx, s.bus.JetStream(), record.Clusters)
	if err != nil {
		return "", err
	}
	const key = "installation"
	err = bucket.Create(ctx, key, installation{Owner: strings.ToLower(rand.Text()[:16])})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return "", err
	}
	v, err := bucket.Get(ctx, key)
	return v.Owner, err
}
