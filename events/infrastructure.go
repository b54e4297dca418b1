// SPDX-License-Identifier: Apache-2.0

package events

// PlanRequested asks what would be created in AWS for a cluster spec.
type PlanRequested struct {
	Name   string `json:"name"`             // cluster
	PlanID string `json:"planId,omitempty"` // of the plan to make; empty: the planner chooses one
	Spec   string `json:"spec"`             // cluster spec, YAML
	By     string `json:"by,omitempty"`
}

func (PlanRequested) EventType() Type {
	return "dev.cdeventsx.hydra-infrastructure.planrequested.0.1.0"
}
func (e PlanRequested) SubjectID() string { return e.Name }

// InfrastructurePlanned says that a plan is in KV bucket clusters.
type InfrastructurePlanned struct {
	Name    string  `json:"name"`
	PlanID  string  `json:"planId"`
	Create  int     `json:"create"`
	Change  int     `json:"change"`
	Replace int     `json:"replace"`
	Delete  int     `json:"delete"`
	Monthly float64 `json:"monthlyUSD"`
}

func (InfrastructurePlanned) EventType() Type {
	return "dev.cdeventsx.hydra-infrastructure.planned.0.1.0"
}
func (e InfrastructurePlanned) SubjectID() string { return e.Name }

// InfrastructurePlanFailed says why no plan could be made: the field of the
// spec, or the permission that is missing.
type InfrastructurePlanFailed struct {
	Name   string `json:"name"`
	PlanID string `json:"planId"`
	Reason string `json:"reason"`
}

func (InfrastructurePlanFailed) EventType() Type {
	return "dev.cdeventsx.hydra-infrastructure.planfailed.0.1.0"
}
func (e InfrastructurePlanFailed) SubjectID() string { return e.Name }
