// SPDX-License-Identifier: Apache-2.0

package events

import (
	"strconv"
	"time"
)

func revisionID(n int) string { return "v" + strconv.Itoa(n) }

// IncidentDetected says that an app is not well, with the reason a person
// needs.
type IncidentDetected struct {
	Description string     `json:"description" cdevents:"content"`
	Environment Reference  `json:"environment" cdevents:"content"`
	Service     *Reference `json:"service,omitempty" cdevents:"content"`

	IncidentID string `json:"incidentId"`
	Reason     string `json:"reason"` // ImagePullBackOff, CrashLoopBackOff, OOMKilled, ...
	Object     string `json:"object"` // Pod/shop-7d9f
	Revision   int    `json:"revision,omitempty"`
}

func (IncidentDetected) EventType() Type     { return "dev.cdevents.incident.detected.0.3.0" }
func (e IncidentDetected) SubjectID() string { return e.IncidentID }

// IncidentResolved ends an incident.
type IncidentResolved struct {
	Description string     `json:"description" cdevents:"content"`
	Environment Reference  `json:"environment" cdevents:"content"`
	Service     *Reference `json:"service,omitempty" cdevents:"content"`

	IncidentID string  `json:"incidentId"`
	Duration   float64 `json:"durationSeconds"`
}

func (IncidentResolved) EventType() Type     { return "dev.cdevents.incident.resolved.0.3.0" }
func (e IncidentResolved) SubjectID() string { return e.IncidentID }

// WorkloadMeasured carries an app's load when it changed enough to matter, at
// most once per interval of the observer.
type WorkloadMeasured struct {
	Name       string    `json:"name"`
	Window     float64   `json:"windowSeconds"`
	Requests   float64   `json:"requestsPerSecond"`
	Errors     float64   `json:"errorRatio"` // 5xx, 0 to 1
	LatencyP95 float64   `json:"latencyP95Seconds"`
	CPU        float64   `json:"cpuCores"`
	Memory     float64   `json:"memoryBytes"`
	Replicas   int       `json:"replicas"`
	At         time.Time `json:"at"`
}

func (WorkloadMeasured) EventType() Type     { return "dev.cdeventsx.hydra-workload.measured.0.1.0" }
func (e WorkloadMeasured) SubjectID() string { return e.Name }

// ScalingRequested asks for a fixed number of replicas; nil hands the app
// back to its scaling policy.
type ScalingRequested struct {
	Name     string `json:"name"`
	Replicas *int   `json:"replicas,omitempty"`
	By       string `json:"by,omitempty"`
}

func (ScalingRequested) EventType() Type     { return "dev.cdeventsx.hydra-scaling.requested.0.1.0" }
func (e ScalingRequested) SubjectID() string { return e.Name }

// ScalingDecided records one decision with everything it was made from, so
// that the same inputs give the same answer again.
type ScalingDecided struct {
	Name     string             `json:"name"`
	Signal   string             `json:"signal"` // requests, cpu, manual
	Inputs   map[string]float64 `json:"inputs"`
	From     int                `json:"from"`
	Proposed int                `json:"proposed"` // before limits
	To       int                `json:"to"`       // after limits
	Clamps   []string           `json:"clamps,omitempty"`
	Reason   string             `json:"reason"`
}

func (ScalingDecided) EventType() Type     { return "dev.cdeventsx.hydra-scaling.decided.0.1.0" }
func (e ScalingDecided) SubjectID() string { return e.Name }

// WorkloadScaled says that the scale subresource was written.
type WorkloadScaled struct {
	Name   string `json:"name"`
	From   int    `json:"from"`
	To     int    `json:"to"`
	Reason string `json:"reason"`
}

func (WorkloadScaled) EventType() Type     { return "dev.cdeventsx.hydra-workload.scaled.0.1.0" }
func (e WorkloadScaled) SubjectID() string { return e.Name }
