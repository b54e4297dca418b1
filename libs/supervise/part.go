// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"time"
)

// Part is one thing to keep running. Exactly one of Cmd, Run and Task is set.
type Part struct {
	// Name is unique within a Supervisor; it appears in Status and in errors.
	Name string
	// After names the parts that have to be ready before this one starts.
	After []string

	// Cmd returns a fresh command for each start. Use exec.Command, not
	// exec.CommandContext: the supervisor ends the process itself.
	Cmd func(ctx context.Context) (*exec.Cmd, error)
	// Started, with Cmd, runs right after the process was created, for set-up
	// that needs its process id. An error ends the process and counts as a death.
	Started func(ctx context.Context, cmd *exec.Cmd) error
	// Run blocks while the part lives. Returning before ctx ends is a death.
	Run func(ctx context.Context) error
	// Task is done once it returns nil; until then it is tried again.
	Task func(ctx context.Context) error

	// Ready is polled until it returns nil. Without it a Cmd or Run part is
	// ready as soon as it runs. It is asked again after each restart.
	Ready func(ctx context.Context) error
	// Log receives stdout and stderr of a Cmd that sets neither.
	Log io.Writer
	// StartTimeout is how long a start may take until Ready answers; the part is
	// then ended and started again. Default two minutes.
	StartTimeout time.Duration
	// StopTimeout is the time between SIGTERM and SIGKILL, or for Run the time
	// until the supervisor stops waiting. Default five seconds.
	StopTimeout time.Duration
}

// State is where a part is in its life.
type State string

// The states of a part. Failed and Stopped are final.
const (
	Waiting    State = "waiting"    // for the parts it comes after
	Starting   State = "starting"   // runs, does not answer yet
	Ready      State = "ready"      // runs and answers, or a Task that is done
	Restarting State = "restarting" // died, pausing before the next start
	Failed     State = "failed"     // returned a Permanent error, not started again
	Stopped    State = "stopped"    // ended because the supervisor stops
)

// Status is what is known about a part at one moment.
type Status struct {
	Name     string        `json:"part"`
	State    State         `json:"state"`
	PID      int           `json:"pid,omitempty"`
	ReadyIn  time.Duration `json:"-"` // from this start of the part until Ready answered
	Restarts int           `json:"restarts"`
	Reason   string        `json:"reason"`
	Since    time.Time     `json:"since"` // when State was entered
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks an error of Cmd, Run or Task as one that another try cannot cure.
func Permanent(err error) error { return &permanentError{err} }

func isPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// check reports the first mistake in the set of parts: it is the programmer's,
// and better found before anything runs than as a start that never ends.
func check(parts []Part) error {
	byName := make(map[string]Part, len(parts))
	for _, p := range parts {
		kinds := 0
		for _, set := range []bool{p.Cmd != nil, p.Run != nil, p.Task != nil} {
			if set {
				kinds++
			}
		}
		switch _, dup := byName[p.Name]; {
		case p.Name == "":
			return errors.New("a part has no name")
		case dup:
			return fmt.Errorf("part %s is listed twice", p.Name)
		case kinds != 1:
			return fmt.Errorf("part %s needs exactly one of Cmd, Run and Task", p.Name)
		}
		byName[p.Name] = p
	}
	var walk func(name string, path []string) error
	walk = func(name string, path []string) error {
		if slices.Contains(path, name) {
			return fmt.Errorf("part %s waits for itself through %v", name, path)
		}
		for _, dep := range byName[name].After {
			if _, ok := byName[dep]; !ok {
				return fmt.Errorf("part %s comes after %s, which is not a part", name, dep)
			}
			if err := walk(dep, append(path, name)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, p := range parts {
		if err := walk(p.Name, nil); err != nil {
			return err
		}
	}
	return nil
}
