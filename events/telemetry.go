// SPDX-License-Identifier: Apache-2.0

package events

// TelemetryRolledOut says that the telemetry set is installed in the cluster.
type TelemetryRolledOut struct {
	Release    string   `json:"release"`
	Revision   int      `json:"revision"`
	Components []string `json:"components"`
	Duration   float64  `json:"durationSeconds"`
}

func (TelemetryRolledOut) EventType() Type     { return "dev.cdeventsx.hydra-telemetry.rolledout.0.1.0" }
func (e TelemetryRolledOut) SubjectID() string { return e.Release }

// TelemetryVerified says that a value was pushed through the set and read
// back.
type TelemetryVerified struct {
	Release string          `json:"release"`
	Checks  map[string]bool `json:"checks"`
}

func (TelemetryVerified) EventType() Type     { return "dev.cdeventsx.hydra-telemetry.verified.0.1.0" }
func (e TelemetryVerified) SubjectID() string { return e.Release }

// TelemetryFailed names the component that does not work, and why.
type TelemetryFailed struct {
	Release   string `json:"release"`
	Component string `json:"component"`
	Reason    string `json:"reason"`
}

func (TelemetryFailed) EventType() Type     { return "dev.cdeventsx.hydra-telemetry.failed.0.1.0" }
func (e TelemetryFailed) SubjectID() string { return e.Release }
