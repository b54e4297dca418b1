// SPDX-License-Identifier: Apache-2.0

package builder_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/builder"
)

// once is what the stream has of one build without a test stage.
var once = []string{"build.queued", "build.started", "artifact.published", "build.finished"}

// running waits until a build's log shows that a step with this text is at work.
func (w *world) running(app string, commit events.Commit, text string) {
	w.t.Helper()
	rec := record.Build{Project: "acme", App: app, ID: record.BuildID("acme", app, commit.SHA)}
	require.Eventually(w.t, func() bool { return strings.Contains(w.log(rec), text) }, time.Minute, 20*time.Millisecond)
}

func slow(word string) map[string]string {
	return map[string]string{"Dockerfile": "FROM busybox AS test\nRUN echo 'test " + word + "' && sleep 1\nFROM busybox\nRUN echo 'begin " + word + "' && sleep 2 && echo end\n"}
}

// TestInterruptions: whatever is killed in the middle of a build, it ends once.
func TestInterruptions(t *testing.T) {
	w := newWorld(t)

	t.Run("BuilderKilled", func(t *testing.T) {
		commit := w.commit("killed", map[string]string{"Dockerfile": "FROM busybox\nRUN echo begin && sleep 2 && echo end\n"})
		stop := w.start()
		w.push("killed", commit, "1")
		w.running("killed", commit, "begin")
		stop()
		require.NotContains(t, w.history("killed"), "build.finished")
		defer w.start()()
		b := w.build("killed", commit)
		require.Equal(t, record.Succeeded, b.Phase, b.Reason)
		require.Equal(t, 2, b.Starts)
		require.Equal(t, once, w.history("killed"))
	})

	t.Run("BuilderKilledAtRandom", func(t *testing.T) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		commit := w.commit("random", slow("random"))
		w.push("random", commit, "1")
		for range 6 {
			stop := w.start()
			timer := time.NewTimer(time.Duration(random.IntN(1500)) * time.Millisecond)
			<-timer.C
			stop()
		}
		defer w.start()()
		b := w.build("random", commit)
		require.Equal(t, record.Succeeded, b.Phase, b.Reason)
		require.Equal(t, whole, w.history("random"))
	})

	t.Run("BuildKitKilled", func(t *testing.T) {
		defer w.start()()
		commit := w.commit("daemon", map[string]string{"Dockerfile": "FROM busybox\nRUN echo begin daemon && sleep 3 && echo end\n"})
		w.push("daemon", commit, "1")
		w.running("daemon", commit, "begin daemon")
		w.daemon.Kill()
		w.running("daemon", commit, "BuildKit is not available")
		w.daemon.Run()
		b := w.build("daemon", commit)
		require.Equal(t, record.Succeeded, b.Phase, b.Reason)
		require.Equal(t, once, w.history("daemon"))
	})

	t.Run("BuildKitGone", func(t *testing.T) {
		defer w.start(func(c *builder.Config) { c.BuildkitAddr, c.BuildkitWait = "unix:///nowhere/s", time.Second })()
		commit := w.commit("nowhere", slow("nowhere"))
		w.push("nowhere", commit, "1")
		b := w.build("nowhere", commit)
		require.Equal(t, record.Failed, b.Phase)
		require.Contains(t, b.Reason, "BuildKit is not available at unix:///nowhere/s")
		require.Equal(t, []string{"build.queued", "build.started", "testsuiterun.started", "testsuiterun.finished", "build.finished"}, w.history("nowhere"))
	})

	t.Run("TooSlow", func(t *testing.T) {
		defer w.start(func(c *builder.Config) { c.BuildTimeout, c.TestTimeout = 2*time.Second, 2*time.Second })()
		commit := w.commit("slow", map[string]string{"Dockerfile": "FROM busybox\nRUN echo forever && sleep 300\n"})
		w.push("slow", commit, "1")
		b := w.build("slow", commit)
		require.Contains(t, b.Reason, "longer than 2s")
		require.Contains(t, b.Reason, "RUN echo forever")
		tests := w.commit("slowtest", map[string]string{"Dockerfile": "FROM busybox AS test\nRUN sleep 300\nFROM busybox\n"})
		w.push("slowtest", tests, "1")
		b = w.build("slowtest", tests)
		require.Contains(t, b.Reason, "testTimeout")
		require.Equal(t, events.Errored, b.Tests.Outcome)
	})

	t.Run("SecretPrinted", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "acme"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "acme", "token"), []byte("s3cret-one\ns3cret-two\n"), 0o600))
		defer w.start(func(c *builder.Config) { c.SecretsDir = dir })()
		commit := w.commit("secret", map[string]string{"Dockerfile": "FROM busybox\nRUN --mount=type=secret,id=token cat /run/secrets/token && base64 /run/secrets/token && exit 3\n"})
		w.push("secret", commit, "1")
		b := w.build("secret", commit)
		require.Equal(t, record.Failed, b.Phase)
		require.Contains(t, b.Reason, "exit code: 3")
		for _, text := range []string{b.Reason, w.log(b), last[events.BuildFinished](w, "secret", "build.finished").Reason} {
			require.NotContains(t, text, "s3cret")
			require.NotContains(t, text, "czNjcmV0")
			require.Contains(t, text, "***")
		}
	})
}
