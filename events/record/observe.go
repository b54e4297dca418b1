// SPDX-License-Identifier: Apache-2.0

package record

import "time"

// Incident is something wrong with an app. Key: project.app.id.
type Incident struct {
	ID         string    `json:"id"`
	Project    string    `json:"project"`
	App        string    `json:"app"`
	Reason     string    `json:"reason"`
	Message    string    `json:"message"`
	Object     string    `json:"object"`
	DetectedAt time.Time `json:"detectedAt"`
	ResolvedAt time.Time `json:"resolvedAt,omitzero"`
}

// Load is the newest measurement of an app. Key: project.app.
type Load struct {
	Project    string    `json:"project"`
	App        string    `json:"app"`
	Window     float64   `json:"windowSeconds"`
	Requests   float64   `json:"requestsPerSecond"`
	Errors     float64   `json:"errorRatio"`
	LatencyP50 float64   `json:"latencyP50Seconds"`
	LatencyP95 float64   `json:"latencyP95Seconds"`
	CPU        float64   `json:"cpuCores"`
	Memory     float64   `json:"memoryBytes"`
	Replicas   int       `json:"replicas"`
	Unknown    []string  `json:"unknown,omitempty"` // requests, cpu: could not be measured, which is not the same as none
	At         time.Time `json:"at"`
}

// Telemetry is the state of a cluster's telemetry set. Key: release name.
type Telemetry struct {
	Release    string          `json:"release"`
	Revision   int             `json:"revision"`
	Phase      Phase           `json:"phase"`
	Components []string        `json:"components"`
	Checks     map[string]bool `json:"checks,omitempty"`
	Reason     string          `json:"reason,omitempty"`
	UpdatedAt  time.Time       `json:"updatedAt"`
}

// ScaleTarget is what the scaler knows of an app, with its newest decisions.
// Key: project.app.
type ScaleTarget struct {
	Project   string      `json:"project"`
	App       string      `json:"app"`
	Policy    ScalePolicy `json:"policy"`
	Current   int         `json:"current"`
	Target    int         `json:"target"`
	ScaledAt  time.Time   `json:"scaledAt,omitzero"`
	Decisions []Decision  `json:"decisions,omitempty"` // newest first, at most 50; a run of equal ones is one, with the newest inputs

	Window    []Proposal `json:"window,omitempty"`         // what may still keep the app from scaling down, oldest first
	Pending   *Decision  `json:"pending,omitempty"`        // stored, but not yet carried out and announced
	Announced *Decision  `json:"announced,omitempty"`      // the newest that became an event
	Requested uint64     `json:"requestSequence,omitzero"` // of the newest scaling.requested that was obeyed
}

// Proposal is how many replicas were asked for at a moment.
type Proposal struct {
	At       time.Time `json:"at"`
	Replicas int       `json:"replicas"`
}

// Decision is one decision of the scaler with its inputs.
type Decision struct {
	At       time.Time          `json:"at"`
	Signal   string             `json:"signal"`
	Inputs   map[string]float64 `json:"inputs"`
	From     int                `json:"from"`
	Proposed int                `json:"proposed"`
	To       int                `json:"to"`
	Clamps   []string           `json:"clamps,omitempty"`
	Reason   string             `json:"reason"`
}

// Plan is what would be done in AWS for a cluster. Key: name.planId.
type Plan struct {
	ID        string         `json:"id"`
	Cluster   string         `json:"cluster"`
	Phase     Phase          `json:"phase"`
	Reason    string         `json:"reason,omitempty"`
	SpecHash  string         `json:"specHash"`
	SeenHash  string         `json:"seenHash"` // hash of what was found
	Region    string         `json:"region"`
	Resources []PlanResource `json:"resources"`
	Monthly   float64        `json:"monthlyUSD"`
	Warnings  []string       `json:"warnings,omitempty"`
	CreatedAt time.Time      `json:"createdAt"`
}

// PlanResource is one line of a plan.
type PlanResource struct {
	Key     string            `json:"key"`    // such as subnet/eu-central-1a
	Kind    string            `json:"kind"`   // such as ec2:Subnet
	Action  string            `json:"action"` // create, change, replace, delete, keep
	Reason  string            `json:"reason,omitempty"`
	After   []string          `json:"after,omitempty"` // keys it waits for
	Monthly float64           `json:"monthlyUSD,omitempty"`
	ID      string            `json:"id,omitempty"` // in AWS, once found
	Detail  map[string]string `json:"detail,omitempty"`
}
