// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/events"
)

// Settings of a story.
type Settings struct {
	Client  *api.Client
	Entry   int    // port of the entry
	Dir     string // for repositories; has to be below a --git-root
	Example string // folder of examples/apps/hello-go
	Program string // run by the repository's hook as `program hook FILE`
	Project string
	App     string
	Tell    func(Line) // told of each step; may be nil
}

// A Line is one step of the story: told once when it begins, and once more,
// with Took and Result, when it ends.
type Line struct {
	Step   string
	Done   bool
	Took   time.Duration
	Result string
	Err    error
}

// Story is the main job while it runs. Its steps have to be called in the
// order in which they stand here.
type Story struct {
	Settings
	Forge   *Forge
	Watch   *Watch
	Visitor Visitor
	URL     string   // of the app, once it is deployed
	Journey []string // correlation id of each commit, in order

	Calm Met // what visitors met during the second roll-out
	Safe Met // and during the one that was rolled back
}

// stepLimit bounds each single wait.
const stepLimit = 3 * time.Minute

// New prepares a story; nothing is done yet.
func New(s Settings) *Story {
	if s.Tell == nil {
		s.Tell = func(Line) {}
	}
	return &Story{Settings: s, Visitor: NewVisitor(s.Entry)}
}

func (s *Story) step(ctx context.Context, name string, f func(ctx context.Context) (string, error)) error {
	s.Tell(Line{Step: name})
	ctx, cancel := context.WithTimeoutCause(ctx, stepLimit, fmt.Errorf("nothing within %s", stepLimit))
	defer cancel()
	begin := time.Now()
	result, err := f(ctx)
	s.Tell(Line{Step: name, Done: true, Took: time.Since(begin), Result: result, Err: err})
	if err != nil {
		return fmt.Errorf("%s: %w", strings.ToLower(name[:1])+name[1:], err)
	}
	return nil
}

// Prepare creates project, repository, app and webhook. ctx also bounds the
// watch of events that later steps use.
func (s *Story) Prepare(ctx context.Context) error {
	if err := s.step(ctx, "Create project "+s.Project, func(ctx context.Context) (string, error) {
		p, err := s.Client.CreateProject(ctx, s.Project, "the demo")
		return "namespace " + p.Namespace, err
	}); err != nil {
		return err
	}
	s.Watch = NewWatch(ctx, s.Client, s.Project)
	if err := s.step(ctx, "Create a git repository of the example app", func(ctx context.Context) (result string, err error) {
		s.Forge, err = NewForge(ctx, s.Dir, s.Example)
		if err != nil {
			return "", err
		}
		return s.Forge.Bare, nil
	}); err != nil {
		return err
	}
	if err := s.step(ctx, "Create app "+s.App, func(ctx context.Context) (string, error) {
		app, err := s.Client.PutApp(ctx, s.Project, s.App, api.AppRequest{Repository: s.Forge.Bare, Branch: "main"})
		return string(app.Status), err
	}); err != nil {
		return err
	}
	return s.step(ctx, "Register a webhook", func(ctx context.Context) (string, error) {
		hook, err := s.Client.CreateWebhook(ctx, s.Project, "github", "")
		if err != nil {
			return "", err
		}
		return hook.URL, s.Forge.Connect(hook, s.Program)
	})
}

// push commits and returns when the gateway has stored the push.
func (s *Story) push(ctx context.Context, message string, edit func(string) error) (events.ChangeMerged, event.Event, error) {
	sha, _, err := s.Forge.Commit(ctx, message, edit)
	if err != nil {
		return events.ChangeMerged{}, event.Event{}, err
	}
	e, err := s.Watch.Until(ctx, "the push to arrive", Of(func(c events.ChangeMerged) bool { return c.ChangeID == sha }))
	if err != nil {
		return events.ChangeMerged{}, e, err
	}
	s.Journey = append(s.Journey, Correlation(e))
	change, err := Payload[events.ChangeMerged](e)
	return change, e, err
}

// same narrows a match to the journey of the newest commit.
func (s *Story) same(match func(event.Event) bool) func(event.Event) bool {
	id := s.Journey[len(s.Journey)-1]
	return func(e event.Event) bool { return Correlation(e) == id && match(e) }
}

// built waits for the image of the newest commit.
func (s *Story) built(ctx context.Context) error {
	return s.step(ctx, "Build the image and run its tests", func(ctx context.Context) (string, error) {
		e, err := s.Watch.Until(ctx, "the build to finish", s.same(Of[events.BuildFinished](nil)))
		if err != nil {
			return "", err
		}
		build, err := Payload[events.BuildFinished](e)
		if err != nil {
			return "", err
		}
		if build.Outcome != events.Success {
			return "", fmt.Errorf("the build ended with %s: %s", build.Outcome, build.Reason)
		}
		tests := "no tests"
		for _, seen := range s.Watch.All() {
			if !s.same(Of[events.TestSuiteRunFinished](nil))(seen) {
				continue
			}
			run, err := Payload[events.TestSuiteRunFinished](seen)
			if err != nil {
				return "", err
			}
			tests = fmt.Sprintf("%d tests passed, %d failed", run.Passed, run.Failed)
		}
		_, digest, _ := strings.Cut(build.Image, "@")
		return fmt.Sprintf("%s, %.19s", tests, digest), nil
	})
}

// First pushes the example as it is and waits until it answers.
func (s *Story) First(ctx context.Context) error {
	if err := s.step(ctx, "Push a commit; the signed webhook arrives", func(ctx context.Context) (string, error) {
		change, _, err := s.push(ctx, "Say hello", nil)
		return fmt.Sprintf("%.8s by %s", change.ChangeID, change.Provider), err
	}); err != nil {
		return err
	}
	if err := s.built(ctx); err != nil {
		return err
	}
	if err := s.step(ctx, "Deploy until healthy", func(ctx context.Context) (string, error) {
		e, err := s.Watch.Until(ctx, "the deployment", s.same(func(e event.Event) bool {
			return Of[events.ServiceDeployed](nil)(e) || Of[events.RolloutFailed](nil)(e)
		}))
		if err != nil {
			return "", err
		}
		if failed, err := Payload[events.RolloutFailed](e); Name(e) == "rollout.failed" {
			return "", fmt.Errorf("%s: %s: %w", failed.Reason, failed.Message, err)
		}
		deployed, err := Payload[events.ServiceDeployed](e)
		s.URL = strings.TrimSuffix(deployed.State.URL, "/")
		return fmt.Sprintf("revision %d, %d replica(s)", deployed.State.Revision, deployed.State.Replicas), err
	}); err != nil {
		return err
	}
	return s.step(ctx, "Answer over HTTP", func(ctx context.Context) (string, error) {
		body, err := s.Visitor.Await(ctx, s.URL+"/")
		if err == nil && !strings.Contains(body, "from v1") {
			err = fmt.Errorf("%s answers %q, not version v1", s.URL, body)
		}
		return fmt.Sprintf("%s says %q", s.URL, strings.TrimSpace(body)), err
	})
}

// Second rolls a change out while visitors keep coming.
func (s *Story) Second(ctx context.Context) error {
	stop := s.Visitor.Load(s.URL+"/", 15)
	defer stop()
	if err := s.step(ctx, "Push a second commit, under load", func(ctx context.Context) (string, error) {
		change, _, err := s.push(ctx, "Greet as v2", editV2)
		return fmt.Sprintf("%.8s", change.ChangeID), err
	}); err != nil {
		return err
	}
	if err := s.built(ctx); err != nil {
		return err
	}
	return s.step(ctx, "Roll out with no failed request", func(ctx context.Context) (string, error) {
		if _, err := s.Watch.Until(ctx, "the upgrade", s.same(Of[events.ServiceUpgraded](nil))); err != nil {
			return "", err
		}
		if err := s.awaitVersion(ctx, "v2"); err != nil {
			return "", err
		}
		s.Calm = stop()
		if s.Calm.Failed > 0 || s.Calm.Requests == 0 {
			return "", fmt.Errorf("visitors were failed: %s: %v", s.Calm, s.Calm.Failures)
		}
		return s.Calm.String(), nil
	})
}

// awaitVersion returns when no old pod answers any more.
func (s *Story) awaitVersion(ctx context.Context, version string) error {
	for same := 0; same < 20; {
		body, err := s.Visitor.Await(ctx, s.URL+"/")
		if err != nil {
			return err
		}
		same++
		if !strings.Contains(body, "from "+version) {
			same = 0
		}
	}
	return nil
}

// Third breaks the health check; the platform takes the change back by itself.
func (s *Story) Third(ctx context.Context) error {
	stop := s.Visitor.Load(s.URL+"/", 15)
	defer stop()
	if err := s.step(ctx, "Push a third commit, which is broken", func(ctx context.Context) (string, error) {
		change, _, err := s.push(ctx, "Migrate later", editBroken)
		return fmt.Sprintf("%.8s", change.ChangeID), err
	}); err != nil {
		return err
	}
	if err := s.built(ctx); err != nil {
		return err
	}
	if err := s.step(ctx, "Fail its health check", func(ctx context.Context) (string, error) {
		e, err := s.Watch.Until(ctx, "the roll-out to fail", s.same(Of[events.RolloutFailed](nil)))
		if err != nil {
			return "", err
		}
		failed, err := Payload[events.RolloutFailed](e)
		return failed.Reason + ": " + failed.Message, err
	}); err != nil {
		return err
	}
	return s.step(ctx, "Roll back by itself", func(ctx context.Context) (string, error) {
		e, err := s.Watch.Until(ctx, "the rollback", s.same(Of(func(r events.ServiceRolledBack) bool { return r.Automatic })))
		if err != nil {
			return "", err
		}
		if err := s.awaitVersion(ctx, "v2"); err != nil {
			return "", err
		}
		s.Safe = stop()
		if s.Safe.Failed > 0 {
			return "", fmt.Errorf("visitors were failed: %s: %v", s.Safe, s.Safe.Failures)
		}
		back, err := Payload[events.ServiceRolledBack](e)
		return fmt.Sprintf("revision %d serves again; %s", back.State.Revision, s.Safe), err
	})
}

// Scale puts load on the app until there are more replicas, and takes it away
// until there is one again.
func (s *Story) Scale(ctx context.Context) error {
	stop := s.Visitor.Load(s.URL+"/work?ms=2", 70)
	defer stop()
	if err := s.step(ctx, "Put load on; the scaler adds replicas", func(ctx context.Context) (string, error) {
		e, err := s.Watch.Until(ctx, "the app to be scaled up", Of(func(w events.WorkloadScaled) bool { return w.To > w.From && w.To > 2 }))
		if err != nil {
			return "", err
		}
		up, err := Payload[events.WorkloadScaled](e)
		if err != nil {
			return "", err
		}
		for {
			app, err := s.Client.App(ctx, s.Project, s.App)
			if err != nil {
				return "", err
			}
			if app.Replicas >= up.To {
				return fmt.Sprintf("%d → %d replicas: %s", up.From, up.To, up.Reason), nil
			}
			select {
			case <-ctx.Done():
				return "", fmt.Errorf("%d of %d replicas are ready: %w", app.Replicas, up.To, context.Cause(ctx))
			case <-time.After(200 * time.Millisecond):
			}
		}
	}); err != nil {
		return err
	}
	return s.step(ctx, "Take the load away; the scaler removes them", func(ctx context.Context) (string, error) {
		met := stop()
		e, err := s.Watch.Until(ctx, "the app to be scaled down", Of(func(w events.WorkloadScaled) bool { return w.To == 1 && w.From > 1 }))
		if err != nil {
			return "", err
		}
		down, err := Payload[events.WorkloadScaled](e)
		return fmt.Sprintf("%d → %d: %s; visitors met %s", down.From, down.To, down.Reason, met), err
	})
}

// Run tells the whole story.
func (s *Story) Run(ctx context.Context) error {
	for _, chapter := range []func(context.Context) error{s.Prepare, s.First, s.Second, s.Third, s.Scale} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}
