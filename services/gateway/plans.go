// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/store"
)

// PlanRequest asks what would be created for a cluster.
type PlanRequest struct {
	Name string `json:"name,omitempty" maxLength:"40" doc:"Name of the cluster; default: metadata.name or name of the spec"`
	Spec string `json:"spec" minLength:"1" maxLength:"524288" doc:"Cluster spec, YAML"`
}

// PlanPath is the path of a plan.
type PlanPath struct {
	ID string `path:"id" pattern:"^[a-z0-9-]{1,60}$" doc:"Id of the plan"`
}

func (s *Service) routePlans() {
	add(s, op("create-plan", http.MethodPost, base+"/clusters/plans", "clusters", "Ask what would be created in AWS for a cluster", admins, status(http.StatusAccepted),
		describe("201 when the plan was ready within wait, otherwise 202 with phase queued; read it again by its id.")), s.createPlan)
	s.also(http.MethodPost, base+"/clusters/plans", http.StatusCreated, "The plan is ready, or could not be made; phase says which")
	add(s, op("list-plans", http.MethodGet, base+"/clusters/plans", "clusters", "Plans, newest first", admins), s.listPlans)
	add(s, op("get-plan", http.MethodGet, base+"/clusters/plans/{id}", "clusters", "One plan", admins), s.getPlan)
}

func (s *Service) createPlan(ctx context.Context, in *struct {
	Wait int `query:"wait" default:"0" minimum:"0" maximum:"25" doc:"Seconds to wait for the plan"`
	Body PlanRequest
}) (*answered[record.Plan], error) {
	name, err := clusterName(in.Body)
	if err != nil {
		return nil, at(problem(http.StatusUnprocessableEntity, "cluster spec: %s", err), "body.spec", err.Error())
	}
	id := "p" + strings.ToLower(rand.Text()[:12])
	if err := s.bus.Emit(ctx, events.PlanRequested{Name: name, PlanID: id, Spec: in.Body.Spec, By: caller(ctx).Name}, bus.Key(id)); err != nil {
		return nil, err
	}
	if in.Wait > 0 {
		limit := min(time.Duration(in.Wait)*time.Second, s.cfg.RequestTimeout-time.Second)
		plan, ready, err := s.clusters.await(ctx, record.Key(name, id), limit, func(p record.Plan, exists bool) bool { return exists && p.Phase.Terminal() })
		if err != nil {
			return nil, err
		}
		if ready {
			return &answered[record.Plan]{http.StatusCreated, withResources(plan)}, nil
		}
	}
	return &answered[record.Plan]{http.StatusAccepted, record.Plan{
		ID: id, Cluster: name, Phase: record.Queued, Resources: []record.PlanResource{}, CreatedAt: s.clock.Now(),
	}}, nil
}

// clusterName finds the name in the request or in the spec.
func clusterName(r PlanRequest) (string, error) {
	var head struct {
		Name     string `yaml:"name"`
		Metadata struct {
			Name string `yaml:"name"`
		} `yaml:"metadata"`
	}
	if err := yaml.Unmarshal([]byte(r.Spec), &head); err != nil {
		return "", errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	name := r.Name
	for _, n := range []string{head.Metadata.Name, head.Name} {
		if name == "" {
			name = n
		}
	}
	if name == "" {
		return "", errors.New("the cluster has no name; set metadata.name")
	}
	return name, events.ValidateName("cluster", name)
}

func (s *Service) listPlans(ctx context.Context, in *struct {
	Limited
	Cluster string `query:"cluster" pattern:"^([a-z]([a-z0-9-]{0,38}[a-z0-9])?)?$" doc:"Only of this cluster"`
}) (*ok[List[record.Plan]], error) {
	prefix := []string{}
	if in.Cluster != "" {
		prefix = append(prefix, in.Cluster)
	}
	plans, err := s.clusters.values(ctx, prefix...)
	if err != nil {
		return nil, err
	}
	plans = slices.DeleteFunc(plans, func(p record.Plan) bool { return p.ID == "" })
	for i := range plans {
		plans[i] = withResources(plans[i])
	}
	slices.SortStableFunc(plans, func(a, b record.Plan) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return &ok[List[record.Plan]]{list(plans, in.Limit)}, nil
}

func (s *Service) getPlan(ctx context.Context, in *PlanPath) (*ok[record.Plan], error) {
	key, err := findKey(ctx, s.js(), record.Clusters, record.Key("*", in.ID))
	if errors.Is(err, store.ErrNotFound) {
		return nil, problem(http.StatusNotFound, "there is no plan %q yet", in.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("find plan %s: %w", in.ID, err)
	}
	plan, err := s.clusters.value(ctx, key)
	if err != nil {
		return nil, err
	}
	return &ok[record.Plan]{withResources(plan)}, nil
}

// withResources keeps an empty list from being written as null.
func withResources(p record.Plan) record.Plan {
	if p.Resources == nil {
		p.Resources = []record.PlanResource{}
	}
	return p
}
