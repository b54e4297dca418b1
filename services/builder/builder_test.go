// SPDX-License-Identifier: Apache-2.0

package builder_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/natsd/natsdtest"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/builder"
	"github.com/hydra-platform/hydra/services/builder/buildkit/buildkittest"
	"github.com/hydra-platform/hydra/services/builder/toolchain"
)

// world is what a builder needs around it: JetStream, BuildKit, a registry
// with base images, and a directory of Git repositories.
type world struct {
	t        *testing.T
	nc       *nats.Conn
	bus      *bus.Bus // of those who ask for builds
	registry string
	daemon   *buildkittest.Daemon
	repos    string
	cfg      builder.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	buildkittest.Binary(t)
	w := &world{t: t, registry: buildkittest.Registry(t), repos: t.TempDir()}
	goroot, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	// Kept from run to run: compiling it anew is most of what the tests cost.
	warm, err := filepath.Abs("../../.cache/toolchain")
	require.NoError(t, err)
	require.NoError(t, toolchain.Warm(t.Context(), strings.TrimSpace(string(goroot)), warm))
	_, err = toolchain.Seed(t.Context(), w.registry, strings.TrimSpace(string(goroot)), warm)
	if err != nil && strings.Contains(err.Error(), "busybox") {
		t.Skip("skipped: " + err.Error())
	}
	require.NoError(t, err)
	w.daemon = buildkittest.Start(t, w.registry)
	_, w.nc = natsdtest.Start(t)
	w.bus, err = bus.New(t.Context(), w.nc, bus.Options{Unit: "gateway", Log: zerolog.Nop()})
	require.NoError(t, err)
	w.cfg = *builder.DefaultConfig()
	w.cfg.BuildkitAddr, w.cfg.Registry, w.cfg.LocalRepositories = w.daemon.Address, w.registry, []string{w.repos}
	return w
}

// start runs a builder and returns how to stop it. Its handlers get no time
// to end, as in a crash.
func (w *world) start(change ...func(*builder.Config)) (stop func()) {
	w.t.Helper()
	cfg := w.cfg
	for _, f := range change {
		f(&cfg)
	}
	require.NoError(w.t, cfg.Validate())
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	b, err := bus.New(ctx, w.nc, bus.Options{
		Unit: "builder", Log: zerolog.New(zerolog.NewTestWriter(w.t)).Level(zerolog.InfoLevel), Drain: time.Millisecond, AckWait: 2 * time.Second,
		Backoff: []time.Duration{200 * time.Millisecond},
	})
	require.NoError(w.t, err)
	s, err := builder.New(&cfg, service.Deps{Bus: b, Log: zerolog.Nop()})
	require.NoError(w.t, err)
	r := bus.NewRouter("builder")
	s.Register(r)
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.Run(ctx, r) })
	wg.Go(func() { _ = s.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	w.t.Cleanup(stop)
	return stop
}

// commit writes files into a repository, which it makes at first, and commits
// them. The time is fixed, so that the same files are the same commit.
func (w *world) commit(repo string, files map[string]string) events.Commit {
	w.t.Helper()
	dir := filepath.Join(w.repos, repo)
	r, err := gogit.PlainOpen(dir)
	if err != nil {
		r, err = gogit.PlainInit(dir, false)
	}
	require.NoError(w.t, err)
	tree, err := r.Worktree()
	require.NoError(w.t, err)
	for path, content := range files {
		require.NoError(w.t, os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755))
		require.NoError(w.t, os.WriteFile(filepath.Join(dir, path), []byte(content), 0o600))
		_, err := tree.Add(path)
		require.NoError(w.t, err)
	}
	when := object.Signature{Name: "Ada", Email: "ada@example.com", When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	sha, err := tree.Commit("change "+repo, &gogit.CommitOptions{Author: &when})
	require.NoError(w.t, err)
	return events.Commit{Repository: "file://" + dir, Branch: "master", SHA: sha.String()}
}

// push says that a commit arrived for an app.
func (w *world) push(app string, commit events.Commit, delivery string) {
	w.t.Helper()
	require.NoError(w.t, w.bus.Emit(w.t.Context(), events.ChangeMerged{ChangeID: commit.SHA, Commit: commit, Provider: "github", Delivery: delivery},
		bus.For("acme", app), bus.Key(app+commit.SHA+delivery)))
}

// build waits for the end of the build of a commit and returns it.
func (w *world) build(app string, commit events.Commit) record.Build {
	w.t.Helper()
	bucket, err := store.Open[record.Build](w.t.Context(), w.bus.JetStream(), record.Builds)
	require.NoError(w.t, err)
	var b record.Build
	require.Eventually(w.t, func() bool {
		b, err = bucket.Get(w.t.Context(), record.Key("acme", app, record.BuildID("acme", app, commit.SHA)))
		return err == nil && b.Phase.Terminal() && len(w.history(app, "build.finished")) > 0 && contains(b.Emitted, "build.finished")
	}, 4*time.Minute, 50*time.Millisecond)
	w.t.Logf("%s: %s in %s: %s", app, b.Phase, b.FinishedAt.Sub(b.StartedAt).Round(time.Millisecond), b.Reason)
	return b
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// history lists the builder's events about an app, by short name.
func (w *world) history(app string, types ...string) (names []string) {
	w.t.Helper()
	require.NoError(w.t, w.bus.History(w.t.Context(), bus.Query{Project: "acme", App: app, Types: types}, func(s bus.Stored) error {
		if s.Source == "/hydra/builder" {
			names = append(names, s.Type.Name())
		}
		return nil
	}))
	return names
}

func last[T any](w *world, app, typ string) (payload T) {
	w.t.Helper()
	require.NoError(w.t, w.bus.History(w.t.Context(), bus.Query{Project: "acme", App: app, Types: []string{typ}}, func(s bus.Stored) error {
		return events.Decode(s.Event.Data(), &payload)
	}))
	return payload
}

func (w *world) log(b record.Build) string {
	w.t.Helper()
	var out strings.Builder
	require.NoError(w.t, store.ReadLog(w.t.Context(), w.bus.JetStream(), record.LogSubject(b.Project, b.App, "build", b.ID), false, func(l store.LogLine) error {
		_, err := fmt.Fprintln(&out, l.Text)
		return err
	}))
	return out.String()
}

// example is the files of an app of this repository.
func example(t *testing.T, app string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(filepath.Join("../../examples/apps", app))
	require.NoError(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join("../../examples/apps", app, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = string(data)
	}
	return files
}

func with(files map[string]string, name, content string) map[string]string {
	files[name] = content
	return files
}

var whole = []string{"build.queued", "build.started", "testsuiterun.started", "testsuiterun.finished", "artifact.published", "build.finished"}

func TestBuilds(t *testing.T) {
	w := newWorld(t)
	w.start()

	t.Run("GoWithoutDockerfile", func(t *testing.T) { // alone, so that nothing shares a step with it
		commit := w.commit("hello-go", example(t, "hello-go"))
		w.push("hello", commit, "1")
		b := w.build("hello", commit)
		require.Equal(t, record.Succeeded, b.Phase, w.log(b))
		require.Equal(t, whole, w.history("hello"))
		require.Equal(t, "go", b.Strategy)
		require.Equal(t, "change hello-go", b.Commit.Message)
		require.Equal(t, 2, b.Tests.Passed)
		require.Regexp(t, `^127\.0\.0\.1:\d+/acme/hello@sha256:[0-9a-f]{64}$`, b.Image)
		published := last[events.ArtifactPublished](w, "hello", "artifact.published")
		require.Equal(t, b.Image, published.Image)
		require.Equal(t, "hydra.yaml", published.SpecPath)
		require.Contains(t, published.Spec, "autoscaler")

		ref, err := name.NewDigest(b.Image, name.Insecure)
		require.NoError(t, err)
		img, err := remote.Image(ref)
		require.NoError(t, err, "the digest is that of the image itself, not of an index")
		cfg, err := img.ConfigFile()
		require.NoError(t, err)
		require.Equal(t, "65532:65532", cfg.Config.User)
		require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), cfg.Created.UTC())
		require.Contains(t, w.log(b), "--- PASS: TestGreeting")

		// The same commit for another app is the same image; warm this time.
		w.push("again", commit, "1")
		again := w.build("again", commit)
		require.Equal(t, digest(b), digest(again))
		require.True(t, again.Cached, w.log(again))
		t.Logf("buildkitd: %s resident", w.daemon.RSS())
		require.Equal(t, b.Tests, again.Tests, "counted although nothing ran")
	})

	t.Run("Dockerfile", func(t *testing.T) {
		t.Parallel()
		commit := w.commit("hello-docker", example(t, "hello-docker"))
		w.push("docker", commit, "1")
		b := w.build("docker", commit)
		require.Equal(t, record.Succeeded, b.Phase, w.log(b))
		require.Equal(t, whole, w.history("docker"))
		require.Equal(t, "dockerfile", b.Strategy)
		require.Equal(t, 1, b.Tests.Passed)
	})

	t.Run("FailingTest", func(t *testing.T) {
		t.Parallel()
		commit := w.commit("failing", with(example(t, "hello-go"), "extra_test.go", "package main\n\nimport \"testing\"\n\nfunc TestSky(t *testing.T) { t.Error(\"the sky is green\") }\n"))
		w.push("failing", commit, "1")
		b := w.build("failing", commit)
		require.Equal(t, record.Failed, b.Phase)
		require.Contains(t, b.Reason, "1 failed: TestSky")
		require.Contains(t, b.Reason, "the sky is green")
		require.Equal(t, 1, b.Tests.Failed)
		require.Equal(t, []string{"build.queued", "build.started", "testsuiterun.started", "testsuiterun.finished", "build.finished"}, w.history("failing"))
		require.Equal(t, events.Failure, last[events.TestSuiteRunFinished](w, "failing", "testsuiterun.finished").Outcome)
		require.Equal(t, events.Failure, last[events.BuildFinished](w, "failing", "build.finished").Outcome)
	})

	t.Run("CompileError", func(t *testing.T) {
		t.Parallel()
		commit := w.commit("broken", map[string]string{"go.mod": "module example.com/x\n\ngo 1.24\n", "main.go": "package main\n\nfunc main() { undefinedThing() }\n"})
		w.push("broken", commit, "1")
		b := w.build("broken", commit)
		require.Equal(t, record.Failed, b.Phase)
		require.Contains(t, b.Reason, "main.go:3:15: undefined: undefinedThing")
		require.Equal(t, []string{"build.queued", "build.started", "build.finished"}, w.history("broken"), "no tests, so no test suite")
		require.Contains(t, w.log(b), "no tests")
	})

	t.Run("NothingToBuild", func(t *testing.T) {
		t.Parallel()
		commit := w.commit("empty", map[string]string{"README.md": "hello"})
		w.push("empty", commit, "1")
		b := w.build("empty", commit)
		require.Equal(t, record.Failed, b.Phase)
		require.Contains(t, b.Reason, "no Dockerfile and no go.mod")
		require.Contains(t, b.Reason, "README.md")
	})

	t.Run("NoSuchCommit", func(t *testing.T) {
		t.Parallel()
		commit := w.commit("gone", map[string]string{"README.md": "hello"})
		commit.SHA = strings.Repeat("ab", 20)
		w.push("gone", commit, "1")
		require.Contains(t, w.build("gone", commit).Reason, "has no commit "+commit.SHA)
	})

	t.Run("RepositoryOutside", func(t *testing.T) {
		t.Parallel()
		commit := events.Commit{Repository: "file:///etc", SHA: strings.Repeat("ab", 20)}
		w.push("outside", commit, "1")
		require.Contains(t, w.build("outside", commit).Reason, "not below a directory that the builder may read")
	})

	t.Run("DeliveredTwice", func(t *testing.T) {
		t.Parallel()
		commit := w.commit("twice", map[string]string{"Dockerfile": "FROM busybox\nRUN echo once\n"})
		w.push("twice", commit, "1")
		w.push("twice", commit, "2") // another webhook about the same commit
		next := w.commit("twice", map[string]string{"Dockerfile": "FROM busybox\nRUN echo two\n"})
		w.push("twice", next, "3")
		require.Equal(t, record.Succeeded, w.build("twice", commit).Phase)
		require.Equal(t, record.Succeeded, w.build("twice", next).Phase)
		one := []string{"build.queued", "build.started", "artifact.published", "build.finished"}
		require.Equal(t, append(one, one...), w.history("twice"), "one build for each commit, in order")
	})

	t.Run("RequestedAgain", func(t *testing.T) {
		t.Parallel()
		commit := w.commit("request", map[string]string{"Dockerfile": "FROM busybox\nRUN echo hi\n"})
		w.push("request", commit, "1")
		w.build("request", commit)
		require.NoError(t, w.bus.Emit(t.Context(), events.BuildRequested{Name: "request", SHA: commit.SHA}, bus.For("acme", "request")))
		require.Eventually(t, func() bool { return len(w.history("request", "build.finished")) == 2 }, time.Minute, 50*time.Millisecond)
		require.Equal(t, 2, w.build("request", commit).Attempt)
	})

	t.Run("StepsHaveNoNetwork", func(t *testing.T) {
		t.Parallel()
		commit := w.commit("net", map[string]string{
			"go.mod": "module example.com/x\n\ngo 1.24\n", "main.go": "package main\n\nfunc main() {}\n",
			"net_test.go": fmt.Sprintf("package main\n\nimport (\n\t\"net\"\n\t\"testing\"\n)\n\nfunc TestNet(t *testing.T) {\n\tif c, err := net.Dial(\"tcp\", %q); err == nil {\n\t\tc.Close()\n\t\tt.Fatal(\"reached the registry\")\n\t}\n}\n", w.registry),
		})
		w.push("net", commit, "1")
		b := w.build("net", commit)
		require.Equal(t, record.Succeeded, b.Phase, b.Reason)
		require.Equal(t, 1, b.Tests.Passed)
	})
}

func digest(b record.Build) string {
	_, d, _ := strings.Cut(b.Image, "@")
	return d
}
