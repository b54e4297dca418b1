// SPDX-License-Identifier: Apache-2.0

package events

// Outcome of a build, a test suite run or a roll-out, in the words of CDEvents.
type Outcome string

// The outcomes that CDEvents knows.
const (
	Success  Outcome = "success"
	Failure  Outcome = "failure"
	Canceled Outcome = "cancel"
	Errored  Outcome = "error"
)

// BuildRequested asks for a build of a commit again, or of the newest commit
// where SHA is empty.
type BuildRequested struct {
	Name string `json:"name"` // app
	SHA  string `json:"sha,omitempty"`
	By   string `json:"by,omitempty"`
}

func (BuildRequested) EventType() Type     { return "dev.cdeventsx.hydra-build.requested.0.1.0" }
func (e BuildRequested) SubjectID() string { return e.Name }

// BuildQueued says that a build was accepted. There is one per app and commit.
type BuildQueued struct {
	BuildID string `json:"buildId"`
	Commit  Commit `json:"commit"`
}

func (BuildQueued) EventType() Type     { return "dev.cdevents.build.queued.0.3.0" }
func (e BuildQueued) SubjectID() string { return e.BuildID }

// BuildStarted says that a builder works on it, and how.
type BuildStarted struct {
	BuildID  string `json:"buildId"`
	Commit   Commit `json:"commit"`
	Strategy string `json:"strategy"` // dockerfile, go
	Logs     string `json:"logs"`     // subject in stream LOGS
}

func (BuildStarted) EventType() Type     { return "dev.cdevents.build.started.0.3.0" }
func (e BuildStarted) SubjectID() string { return e.BuildID }

// BuildFinished ends every build, whatever its outcome.
type BuildFinished struct {
	ArtifactID string `json:"artifactId,omitempty" cdevents:"content"` // purl

	BuildID  string  `json:"buildId"`
	Commit   Commit  `json:"commit"`
	Outcome  Outcome `json:"outcome"`
	Reason   string  `json:"reason,omitempty"` // why it did not succeed
	Image    string  `json:"image,omitempty"`  // reference with digest
	Cached   bool    `json:"cached,omitempty"` // every step came from the cache
	Duration float64 `json:"durationSeconds"`
}

func (BuildFinished) EventType() Type     { return "dev.cdevents.build.finished.0.3.0" }
func (e BuildFinished) SubjectID() string { return e.BuildID }

// TestSuite names a test stage.
type TestSuite struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// TestSuiteRunStarted says that the tests of a build run.
type TestSuiteRunStarted struct {
	Environment Reference  `json:"environment" cdevents:"content"`
	TestSuite   *TestSuite `json:"testSuite,omitempty" cdevents:"content"`

	RunID   string `json:"runId"`
	BuildID string `json:"buildId"`
}

func (TestSuiteRunStarted) EventType() Type     { return "dev.cdevents.testsuiterun.started.0.3.0" }
func (e TestSuiteRunStarted) SubjectID() string { return e.RunID }

// TestSuiteRunFinished is the gate between build and traffic.
type TestSuiteRunFinished struct {
	Environment Reference  `json:"environment" cdevents:"content"`
	TestSuite   *TestSuite `json:"testSuite,omitempty" cdevents:"content"`
	Outcome     Outcome    `json:"outcome" cdevents:"content"`
	Reason      string     `json:"reason,omitempty" cdevents:"content"`

	RunID    string  `json:"runId"`
	BuildID  string  `json:"buildId"`
	Passed   int     `json:"passed"`
	Failed   int     `json:"failed"`
	Skipped  int     `json:"skipped"`
	Duration float64 `json:"durationSeconds"`
}

func (TestSuiteRunFinished) EventType() Type     { return "dev.cdevents.testsuiterun.finished.0.3.0" }
func (e TestSuiteRunFinished) SubjectID() string { return e.RunID }

// ArtifactPublished says that an image is in the registry and passed its
// tests. It carries what the deployer needs.
type ArtifactPublished struct {
	ArtifactID string `json:"artifactId"` // purl
	Image      string `json:"image"`      // reference with digest
	BuildID    string `json:"buildId"`
	Commit     Commit `json:"commit"`
	Spec       string `json:"spec,omitempty"`     // OAM Application found in the repository, YAML
	SpecPath   string `json:"specPath,omitempty"` // where it was found
}

func (ArtifactPublished) EventType() Type     { return "dev.cdevents.artifact.published.0.3.0" }
func (e ArtifactPublished) SubjectID() string { return e.ArtifactID }
