// SPDX-License-Identifier: Apache-2.0

package deployer_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/deployer"
)

// childVariable makes the test binary a deployer of its own, to be killed.
const childVariable = "HYDRA_TEST_DEPLOYER"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		service.Main(deployer.Unit)
		return
	}
	os.Exit(m.Run())
}

// TestKilled kills the deployer at random moments while it rolls out: each
// build ends as one release with the same outcome, told once.
func TestKilled(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("HYDRA_TEST_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("HYDRA_TEST_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	cp := startControlPlane(t)
	playKubelet(t, cp.client)
	p := newPlatform(t, cp.kubeconfig)

	launch := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"=1", "HYDRA_NATS_URL="+p.server.URL(), "HYDRA_NATS_USER=test",
			"HYDRA_NATS_PASSWORD=test-"+t.Name(), "HYDRA_KUBECONFIG="+cp.kubeconfig, "HYDRA_LOG_LEVEL=error")
		cmd.Stderr = os.Stderr
		require.NoError(t, cmd.Start())
		return cmd
	}
	tags := []string{"ok", "crash", "ok2", "missing", "ok3"}
	for _, app := range []string{"a", "b", "c"} {
		p.create(app)
		for i, tag := range tags {
			p.publish(app, fmt.Sprint("b", i), tag, "")
		}
	}
	for range 4 {
		child := launch()
		time.AfterFunc(time.Duration(300+random.IntN(2500))*time.Millisecond, func() { _ = child.Process.Kill() })
		_ = child.Wait() // killed
	}
	child := launch()
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })

	healthy, failed := "service.upgraded", []string{"rollout.failed", "service.rolledback"}
	for _, app := range []string{"a", "b", "c"} {
		p.endedWithin(2*time.Minute, app, len(tags), record.Succeeded)
		history := p.history(app)
		require.Len(t, history, len(tags))
		want := []string{"rollout.started", "service.deployed"}
		for i, rel := range history {
			require.Equal(t, fmt.Sprint("b", i), rel.BuildID)
			require.True(t, rel.Phase.Terminal() && rel.Announced, "%+v", rel)
			bad := tags[i] == "crash" || tags[i] == "missing"
			require.Equal(t, bad, rel.Phase == record.RolledBack, "%s", rel.Detail)
			switch {
			case i == 0:
			case bad:
				want = append(append(want, "rollout.started"), failed...)
			default:
				want = append(want, "rollout.started", healthy)
			}
		}
		p.heard(app, want...)
		require.Equal(t, []any{record.AppHealthy, 5, 5, 1}, []any{p.app(app).Status, p.app(app).Revision, p.app(app).Healthy, p.app(app).Replicas})
		require.Equal(t, 5, last[events.ServiceUpgraded](p, app).State.Revision)
	}
}
