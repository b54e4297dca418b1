// SPDX-License-Identifier: Apache-2.0

package events

// RolloutStarted says that a revision is being applied to the cluster.
type RolloutStarted struct {
	Revision int    `json:"revision"`
	BuildID  string `json:"buildId,omitempty"`
	Image    string `json:"image,omitempty"`
	Cause    string `json:"cause"` // build, apply, rollback
}

func (RolloutStarted) EventType() Type     { return "dev.cdeventsx.hydra-rollout.started.0.1.0" }
func (e RolloutStarted) SubjectID() string { return revisionID(e.Revision) }

// RolloutFailed says why a revision did not become healthy within its
// deadline. The one before it is put back.
type RolloutFailed struct {
	Revision int     `json:"revision"`
	BuildID  string  `json:"buildId,omitempty"`
	Image    string  `json:"image,omitempty"`
	Reason   string  `json:"reason"`  // one word, such as CrashLoopBackOff
	Message  string  `json:"message"` // what a person needs to know
	Duration float64 `json:"durationSeconds"`
}

func (RolloutFailed) EventType() Type     { return "dev.cdeventsx.hydra-rollout.failed.0.1.0" }
func (e RolloutFailed) SubjectID() string { return revisionID(e.Revision) }

// ServiceState is what the three service events have in common.
type ServiceState struct {
	Name     string  `json:"name"`
	Revision int     `json:"revision"`
	BuildID  string  `json:"buildId,omitempty"`
	Image    string  `json:"image,omitempty"`
	Replicas int     `json:"replicas"`
	URL      string  `json:"url,omitempty"`
	Duration float64 `json:"durationSeconds"`
}

// ServiceDeployed says that an app is healthy for the first time.
type ServiceDeployed struct {
	Environment Reference `json:"environment" cdevents:"content"`
	ArtifactID  string    `json:"artifactId" cdevents:"content"`

	State ServiceState `json:"state"`
}

func (ServiceDeployed) EventType() Type     { return "dev.cdevents.service.deployed.0.3.0" }
func (e ServiceDeployed) SubjectID() string { return e.State.Name }

// ServiceUpgraded says that a later revision is healthy and takes the traffic.
type ServiceUpgraded struct {
	Environment Reference `json:"environment" cdevents:"content"`
	ArtifactID  string    `json:"artifactId" cdevents:"content"`

	State ServiceState `json:"state"`
}

func (ServiceUpgraded) EventType() Type     { return "dev.cdevents.service.upgraded.0.3.0" }
func (e ServiceUpgraded) SubjectID() string { return e.State.Name }

// ServiceRolledBack says that an earlier revision serves again, and why.
type ServiceRolledBack struct {
	Environment Reference `json:"environment" cdevents:"content"`
	ArtifactID  string    `json:"artifactId" cdevents:"content"`

	State        ServiceState `json:"state"`
	FromRevision int          `json:"fromRevision"`
	Reason       string       `json:"reason"`
	Automatic    bool         `json:"automatic"`
}

func (ServiceRolledBack) EventType() Type     { return "dev.cdevents.service.rolledback.0.3.0" }
func (e ServiceRolledBack) SubjectID() string { return e.State.Name }

// ServiceRemoved says that nothing of the app is left in the cluster.
type ServiceRemoved struct {
	Environment Reference `json:"environment" cdevents:"content"`

	Name string `json:"name"`
}

func (ServiceRemoved) EventType() Type     { return "dev.cdevents.service.removed.0.3.0" }
func (e ServiceRemoved) SubjectID() string { return e.Name }

// RollbackRequested asks for an earlier revision; 0 is the last healthy one
// before the current.
type RollbackRequested struct {
	Name     string `json:"name"`
	Revision int    `json:"revision,omitempty"`
	By       string `json:"by,omitempty"`
}

func (RollbackRequested) EventType() Type     { return "dev.cdeventsx.hydra-rollback.requested.0.1.0" }
func (e RollbackRequested) SubjectID() string { return e.Name }
