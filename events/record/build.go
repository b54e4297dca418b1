// SPDX-License-Identifier: Apache-2.0

package record

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/hydra-platform/hydra/events"
)

// Phase is the state of a build or a release.
type Phase string

// The phases, in order. The last four are terminal.
const (
	Queued     Phase = "queued"
	Running    Phase = "running"
	Testing    Phase = "testing"
	Succeeded  Phase = "succeeded"
	Failed     Phase = "failed"
	Superseded Phase = "superseded"
	RolledBack Phase = "rolledback"
)

// Terminal reports whether nothing more will happen.
func (p Phase) Terminal() bool {
	switch p {
	case Succeeded, Failed, Superseded, RolledBack:
		return true
	}
	return false
}

// Build is one build of one commit for one app. Key: project.app.id.
type Build struct {
	ID            string        `json:"id"`
	Project       string        `json:"project"`
	App           string        `json:"app"`
	Commit        events.Commit `json:"commit"`
	Phase         Phase         `json:"phase"`
	Strategy      string        `json:"strategy,omitempty"`
	Reason        string        `json:"reason,omitempty"`
	Image         string        `json:"image,omitempty"` // reference with digest
	ArtifactID    string        `json:"artifactId,omitempty"`
	Tests         *Tests        `json:"tests,omitempty"`
	CorrelationID string        `json:"correlationId,omitempty"`
	Attempt       int           `json:"attempt"` // 1, and one more for each request to build again
	QueuedAt      time.Time     `json:"queuedAt"`
	StartedAt     time.Time     `json:"startedAt,omitzero"`
	FinishedAt    time.Time     `json:"finishedAt,omitzero"`
	Cached        bool          `json:"cached,omitempty"`   // every step came from the cache
	Spec          string        `json:"spec,omitempty"`     // OAM Application found in the repository, YAML
	SpecPath      string        `json:"specPath,omitempty"` // where it was found

	// For the builder, to go on after it was killed.
	Cause   string    `json:"cause,omitempty"`   // id of the event that asked for this attempt
	Starts  int       `json:"starts,omitempty"`  // how often this attempt was begun
	BegunAt time.Time `json:"begunAt,omitzero"`  // when it was begun last
	Emitted []string  `json:"emitted,omitempty"` // events of this attempt that the stream has
}

// Tests counts the outcome of a build's test stage.
type Tests struct {
	Outcome events.Outcome `json:"outcome"`
	Passed  int            `json:"passed"`
	Failed  int            `json:"failed"`
	Skipped int            `json:"skipped"`
}

// BuildID is the same for the same app and commit, so that there is one build
// however often the push is delivered.
func BuildID(project, app, sha string) string {
	sum := sha256.Sum256([]byte(project + "\x00" + app + "\x00" + sha))
	return "b" + hex.EncodeToString(sum[:6])
}

// LogSubject is where the log of a build, a test or a deployment is in stream
// LOGS. Kind is build, test or deploy.
func LogSubject(project, app, kind, id string) string {
	return "log." + Key(project, app, kind, id)
}
