// SPDX-License-Identifier: Apache-2.0

package record

import "time"

// App is the desired and the last seen state of an application. Key:
// project.name.
type App struct {
	Name       string       `json:"name"`
	Project    string       `json:"project"`
	Repository string       `json:"repository,omitempty"` // clone URL
	Branch     string       `json:"branch,omitempty"`
	Path       string       `json:"path,omitempty"`
	Spec       string       `json:"spec,omitempty"` // OAM Application given through the API, YAML
	Revision   int          `json:"revision"`       // current revision, 0 before the first
	Healthy    int          `json:"healthy"`        // last healthy revision, 0 before the first
	Status     AppStatus    `json:"status"`
	Reason     string       `json:"reason,omitempty"`
	URL        string       `json:"url,omitempty"`
	Replicas   int          `json:"replicas"` // ready
	Desired    int          `json:"desired"`
	CreatedAt  time.Time    `json:"createdAt"`
	UpdatedAt  time.Time    `json:"updatedAt"`
	Workloads  []Workload   `json:"workloads,omitempty"`
	Scaling    *ScalePolicy `json:"scaling,omitempty"` // from the app's policy or trait, for the scaler
}

// AppStatus says in one word how an app is.
type AppStatus string

// The states of an app.
const (
	AppPending   AppStatus = "pending"   // nothing deployed yet
	AppDeploying AppStatus = "deploying" // a roll-out is under way
	AppHealthy   AppStatus = "healthy"
	AppDegraded  AppStatus = "degraded" // serves, or should, but is not well
	AppFailed    AppStatus = "failed"   // no revision is healthy
	AppRemoving  AppStatus = "removing"
)

// Workload is an object in the cluster that runs an app's component.
type Workload struct {
	Component  string `json:"component"`
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Namespace  string `json:"namespace"`
}

// ScalePolicy is what the scaler obeys for an app.
type ScalePolicy struct {
	Min               int     `json:"min"`
	Max               int     `json:"max"`
	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"` // target for one replica
	CPU               float64 `json:"cpu,omitempty"`               // target in cores for one replica
	ScaleDownAfter    float64 `json:"scaleDownAfterSeconds,omitempty"`
	Manual            *int    `json:"manual,omitempty"` // fixed by a person
}

// Release is one revision of an app. Key: project.app.<revision, six digits>.
type Release struct {
	Project       string      `json:"project"`
	App           string      `json:"app"`
	Revision      int         `json:"revision"`
	Phase         Phase       `json:"phase"`
	Cause         string      `json:"cause"` // build, apply, rollback
	BuildID       string      `json:"buildId,omitempty"`
	SHA           string      `json:"sha,omitempty"`
	Message       string      `json:"message,omitempty"` // of the commit
	Image         string      `json:"image,omitempty"`
	ArtifactID    string      `json:"artifactId,omitempty"`
	Spec          string      `json:"spec"`               // OAM Application as applied, YAML
	SpecPath      string      `json:"specPath,omitempty"` // where in the repository it was found
	Objects       []ObjectRef `json:"objects,omitempty"`
	Reason        string      `json:"reason,omitempty"`
	Detail        string      `json:"detail,omitempty"`
	CorrelationID string      `json:"correlationId,omitempty"`
	CauseID       string      `json:"causeId,omitempty"`   // id of the event that asked for it
	Announced     bool        `json:"announced,omitempty"` // its end is in the app's record and in the stream
	StartedAt     time.Time   `json:"startedAt"`
	Deadline      time.Time   `json:"deadline"`
	FinishedAt    time.Time   `json:"finishedAt,omitzero"`
}

// ObjectRef names an object of the cluster.
type ObjectRef struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
}
