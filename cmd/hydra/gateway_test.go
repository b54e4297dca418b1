// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/natsd/natsdtest"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/libs/telemetry"
	"github.com/hydra-platform/hydra/services/gateway"
)

const testToken = "hydra_test-token-of-an-admin"

// bench is a real gateway over a real JetStream. The services behind it are
// not there: tests that need their records write them.
type bench struct {
	url string
	js  jetstream.JetStream
	bus *bus.Bus
}

func newBench(t *testing.T) *bench {
	t.Helper()
	_, nc := natsdtest.Start(t)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	require.NoError(t, gateway.Bootstrap(t.Context(), js, testToken))
	ctx, cancel := context.WithCancel(context.Background())
	address, ended := make(chan net.Addr, 1), make(chan error, 1)
	tel := telemetry.New("test", "test")
	go func() {
		ended <- service.Run(ctx, service.Options{
			NATS: nc, Kubeconfig: filepath.Join(t.TempDir(), "none"), Log: zerolog.Nop(), Telemetry: tel, Replicas: 1,
			Override: func(_ string, cfg any) {
				c := cfg.(*gateway.Config)
				c.Listen, c.Wait, c.OnListen = "127.0.0.1:0", 200*time.Millisecond, func(a net.Addr) { address <- a }
			},
		}, gateway.Unit)
	}()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended) })
	b, err := bus.New(t.Context(), nc, bus.Options{Unit: "builder"})
	require.NoError(t, err)
	select {
	case a := <-address:
		return &bench{url: "http://" + a.String(), js: js, bus: b}
	case err := <-ended:
		t.Fatal("the gateway ended: ", err)
		return nil
	}
}

// hydra runs a command line against the bench in project acme.
func (b *bench) hydra(t *testing.T, args ...string) result {
	t.Helper()
	return runCLI(t, t.Context(), "", append([]string{"--server", b.url, "--token", testToken, "--project", "acme", "--data-dir", t.TempDir()}, args...)...)
}

func put[T any](t *testing.T, b *bench, bucket, key string, v T) {
	t.Helper()
	kv, err := store.Open[T](t.Context(), b.js, bucket)
	require.NoError(t, err)
	require.NoError(t, kv.Put(t.Context(), key, v))
}

func TestAgainstGateway(t *testing.T) {
	t.Setenv("HYDRA_CONFIG_FILE", filepath.Join(t.TempDir(), "config.yaml"))
	t.Setenv("HYDRA_SERVER", "")
	t.Setenv("HYDRA_TOKEN", "")
	b := newBench(t)
	ok := func(r result) string {
		t.Helper()
		require.Equal(t, codeOK, r.code, r.err)
		return r.out
	}

	t.Run("Project", func(t *testing.T) {
		require.Equal(t, codeNotFound, b.hydra(t, "app", "list").code)
		ok(b.hydra(t, "project", "create", "acme", "--description", "of all"))
		require.Contains(t, ok(b.hydra(t, "project", "list")), "of all")
		r := b.hydra(t, "project", "create", "acme")
		require.Equal(t, codeError, r.code)
		require.Contains(t, r.err, "exists already")
		r = b.hydra(t, "project", "create", "No Good")
		require.Equal(t, codeUsage, r.code)
		require.Contains(t, r.err, "lower case letters")
		require.Equal(t, codeUsage, b.hydra(t, "project", "delete", "acme").code, "no terminal to confirm on")
	})
	t.Run("Refused", func(t *testing.T) {
		r := b.hydra(t, "project", "list", "--token", "hydra_wrong")
		require.Equal(t, codeRefused, r.code)
		require.Contains(t, r.err, "hydra login")
	})
	t.Run("Login", func(t *testing.T) {
		r := runCLI(t, t.Context(), testToken+"\n", "login", b.url, "--data-dir", t.TempDir(), "-p", "acme")
		require.Equal(t, codeOK, r.code, r.err)
		path, err := loginPath()
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		r = runCLI(t, t.Context(), "", "whoami", "-o", "json", "--data-dir", t.TempDir())
		require.Contains(t, ok(r), `"admin": true`)
		require.Equal(t, codeOK, runCLI(t, t.Context(), "", "app", "list", "--data-dir", t.TempDir()).code, "project is kept too")
		r = runCLI(t, t.Context(), "", "whoami", "--server", "http://127.0.0.1:1", "--data-dir", t.TempDir())
		require.NotContains(t, r.err, testToken)
		require.Equal(t, codeError, r.code)
		ok(runCLI(t, t.Context(), "", "logout"))
		require.NoFileExists(t, path)
		r = runCLI(t, t.Context(), "hydra_wrong\n", "login", b.url, "--data-dir", t.TempDir())
		require.Equal(t, codeRefused, r.code)
		require.NoFileExists(t, path, "a token that does not work is not kept")
	})
	t.Run("App", func(t *testing.T) {
		r := b.hydra(t, "app", "create", "web")
		require.Equal(t, codeUsage, r.code)
		require.Contains(t, r.err, "repository")
		require.Contains(t, ok(b.hydra(t, "app", "create", "web", "--repo", "https://git.example.com/acme/web.git")), "pending")
		put(t, b, record.Apps, record.Key("acme", "web"), record.App{
			Name: "web", Project: "acme", Repository: "https://git.example.com/acme/web.git", Status: record.AppHealthy, Revision: 3, Replicas: 2, Desired: 2, URL: "http://web.acme.localhost:7080",
		})
		out := ok(b.hydra(t, "app", "list"))
		require.Contains(t, out, "healthy")
		require.NotContains(t, out, "git.example.com")
		require.Contains(t, ok(b.hydra(t, "app", "list", "-o", "wide")), "git.example.com")
		var app record.App
		require.NoError(t, json.Unmarshal([]byte(ok(b.hydra(t, "app", "get", "web", "-o", "json"))), &app))
		require.Equal(t, 3, app.Revision)
		r = b.hydra(t, "app", "get", "nix")
		require.Equal(t, codeNotFound, r.code)
		require.Contains(t, r.err, "hydra app list")
	})
	t.Run("SpecPointsIntoTheFile", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "app.yaml")
		require.NoError(t, os.WriteFile(file, []byte("apiVersion: core.oam.dev/v1beta1\nkind: App\nmetadata: {name: web}\n"), 0o600))
		r := b.hydra(t, "deploy", "-f", file)
		require.Equal(t, codeUsage, r.code)
		require.Contains(t, r.err, file+":2")
	})
	t.Run("BuildsAndReleases", func(t *testing.T) {
		require.Contains(t, ok(b.hydra(t, "builds", "web")), "no build yet")
		at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
		put(t, b, record.Builds, record.Key("acme", "web", "b1"), record.Build{
			ID: "b1", Project: "acme", App: "web", Phase: record.Failed, Reason: "go vet says no", QueuedAt: at, StartedAt: at, FinishedAt: at.Add(90 * time.Second),
			Commit: events.Commit{SHA: "4f2c1d9e8b", Message: "shorter"}, Tests: &record.Tests{Passed: 3, Failed: 1},
		})
		out := ok(b.hydra(t, "builds", "web"))
		require.Contains(t, out, "1m30s")
		require.Contains(t, out, "3 ok, 1 failed")
		require.Contains(t, ok(b.hydra(t, "builds", "get", "b1")), "go vet says no")
		log := store.NewLog(t.Context(), b.js, record.LogSubject("acme", "web", "build", "b1"))
		log.Printf("step one")
		require.NoError(t, log.Close())
		require.Equal(t, "step one\n", ok(b.hydra(t, "logs", "web", "--build", "latest", "-f")))
		require.Equal(t, codeNotFound, b.hydra(t, "builds", "logs", "b2").code)
		put(t, b, record.Releases, record.Key("acme", "web", "000003"), record.Release{
			Project: "acme", App: "web", Revision: 3, Phase: record.Succeeded, Cause: "build", SHA: "4f2c1d9e8b", StartedAt: at, FinishedAt: at.Add(4 * time.Second),
		})
		require.Contains(t, ok(b.hydra(t, "releases", "web")), "v3")
		require.Equal(t, codeNotFound, b.hydra(t, "rollback", "web", "v9").code)
		ok(b.hydra(t, "scale", "web=3"))
		ok(b.hydra(t, "scale", "web", "--auto"))
	})
	t.Run("WaitTimesOut", func(t *testing.T) {
		r := b.hydra(t, "scale", "web=5", "--wait", "--timeout", "300ms")
		require.Equal(t, codeTimeout, r.code, r.err)
		require.Contains(t, r.err, "not done after 300ms")
	})
	t.Run("WaitSeesTheFailure", func(t *testing.T) {
		put(t, b, record.Builds, record.Key("acme", "web", "b9"), record.Build{ID: "b9", Project: "acme", App: "web", Phase: record.Failed, Reason: "no main package", QueuedAt: time.Now()})
		r := b.hydra(t, "deploy", "web", "--wait", "--timeout", "20s")
		require.Equal(t, codeFailed, r.code, r.err)
		require.Contains(t, r.err, "no main package")
		require.Contains(t, r.err, "hydra logs web --build b9")
	})
	t.Run("Events", func(t *testing.T) {
		require.Contains(t, ok(b.hydra(t, "events", "publish", "--type", "com.example.order.placed", "--source", "/acme/crm", "--data", `{"id":7}`, "--id", "o7", "--app", "web")), "Stored event o7")
		require.Contains(t, ok(b.hydra(t, "events", "publish", "--type", "com.example.order.placed", "--source", "/acme/crm", "--id", "o7")), "was there already")
		require.Equal(t, codeUsage, b.hydra(t, "events", "publish", "--type", "dev.cdeventsx.hydra-x.y.0.1.0", "--source", "/x").code, "Hydra's own types are refused")
		list := ok(b.hydra(t, "events", "list", "--app", "web"))
		require.Contains(t, list, "com.example.order.placed")
		require.Contains(t, list, "scaling.requested")
		require.Contains(t, ok(b.hydra(t, "events", "get", "o7", "-o", "yaml")), "source: /acme/crm")
		require.Equal(t, codeNotFound, b.hydra(t, "events", "get", "999999").code)
		require.Contains(t, ok(b.hydra(t, "events", "tail", "--since", "1h", "--count", "2", "-o", "json")), `"specversion":"1.0"`)
		require.Equal(t, 2, strings.Count(ok(b.hydra(t, "events", "tail", "--since", "1h", "--count", "2")), "\n"))
		require.Contains(t, ok(b.hydra(t, "events", "types")), "build.finished")
	})
	t.Run("TailIsLive", func(t *testing.T) {
		done := make(chan result, 1)
		go func() { done <- b.hydra(t, "events", "tail", "--count", "1", "--type", "build.finished") }()
		var r result
		require.Eventually(t, func() bool {
			require.NoError(t, b.bus.Emit(t.Context(), events.BuildFinished{BuildID: "b1", Outcome: events.Success, Duration: 12}, bus.For("acme", "web")))
			select {
			case r = <-done:
				return true
			default:
				return false
			}
		}, 20*time.Second, 100*time.Millisecond)
		require.Contains(t, ok(r), "success · in 12.0s")
	})
	t.Run("Journey", func(t *testing.T) {
		ctx := t.Context()
		at := func(d time.Duration, p events.Payload) {
			require.NoError(t, b.bus.Emit(ctx, p, bus.For("acme", "web"), bus.Correlate("j1")), d)
		}
		commit := events.Commit{Repository: "https://git.example.com/acme/web.git", SHA: "4f2c1d9e8b", Message: "shorter", Author: "ada"}
		at(0, events.ChangeMerged{ChangeID: commit.SHA, Commit: commit, Provider: "github"})
		at(1, events.BuildQueued{BuildID: "b5", Commit: commit})
		at(2, events.BuildStarted{BuildID: "b5", Commit: commit, Strategy: "go"})
		at(3, events.BuildFinished{BuildID: "b5", Commit: commit, Outcome: events.Success, Duration: 8})
		at(4, events.RolloutStarted{Revision: 4, Cause: "build"})
		at(5, events.RolloutFailed{Revision: 4, Reason: "CrashLoopBackOff", Message: "exit code 2"})
		out := ok(b.hydra(t, "events", "journey", "j1"))
		require.Contains(t, out, "4f2c1d9e8 shorter")
		require.Contains(t, out, "CrashLoopBackOff: exit code 2")
		require.Contains(t, out, "█")
		require.Contains(t, ok(b.hydra(t, "events", "journey", "--app", "web")), "j1")
		require.Equal(t, out, ok(b.hydra(t, "events", "journey", "--app", "web", "latest")))
		require.Equal(t, codeNotFound, b.hydra(t, "events", "journey", "nix").code)
	})
	t.Run("Token", func(t *testing.T) {
		secret := strings.TrimSpace(ok(b.hydra(t, "token", "create", "ci", "--for", "acme")))
		require.Equal(t, codeOK, b.hydra(t, "app", "list", "--token", secret).code)
		r := b.hydra(t, "project", "create", "other", "--token", secret)
		require.Equal(t, codeRefused, r.code)
		require.Contains(t, r.err, "hydra whoami")
		var tokens []api.Token
		require.NoError(t, json.Unmarshal([]byte(ok(b.hydra(t, "token", "list", "-o", "json"))), &tokens))
		for _, token := range tokens {
			if token.Name == "ci" {
				ok(b.hydra(t, "token", "revoke", token.ID, "--yes"))
			}
		}
		require.Equal(t, codeRefused, b.hydra(t, "app", "list", "--token", secret).code)
	})
	t.Run("Webhook", func(t *testing.T) { testWebhooks(t, b) })
}

// testWebhooks delivers what each forge would, from a real repository.
func testWebhooks(t *testing.T, b *bench) {
	repo := t.TempDir()
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-q", "--allow-empty", "-m", "first step"},
	} {
		out, err := exec.Command("git", append([]string{"-C", repo}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	put(t, b, record.Apps, record.Key("acme", "local"), record.App{Name: "local", Project: "acme", Repository: repo, Branch: "main"})
	for _, provider := range []string{"github", "gitlab", "gitea"} {
		t.Run(provider, func(t *testing.T) {
			var w api.Webhook
			r := b.hydra(t, "webhook", "create", "--provider", provider, "-o", "json")
			require.Equal(t, codeOK, r.code, r.err)
			require.NoError(t, json.Unmarshal([]byte(r.out), &w))
			if provider != "gitlab" {
				require.Equal(t, codeOK, b.hydra(t, "webhook", "test", w.ID, "--secret", w.Secret).code)
			}
			r = b.hydra(t, "webhook", "test", w.ID, "--secret", "this is another secret", "--repo", repo)
			require.Equal(t, codeRefused, r.code, r.err)
			require.NotContains(t, r.err, "hydra login", "the webhook's secret is wrong, not the token")
			r = b.hydra(t, "webhook", "test", w.ID, "--secret", w.Secret, "--repo", repo)
			require.Equal(t, codeOK, r.code, r.err)
			r = b.hydra(t, "events", "list", "--type", "change.merged", "--app", "local", "-n", "1")
			require.Contains(t, r.out, "first step")
			require.Equal(t, codeOK, b.hydra(t, "webhook", "delete", w.ID, "--yes").code)
			require.NotContains(t, b.hydra(t, "webhook", "list").out, w.ID)
		})
	}
}
