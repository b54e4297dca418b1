// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	mobyclient "github.com/moby/moby/client"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/natsd"
)

// natsContainer is nats-server, built from its module, alone in an image made
// from scratch.
type natsContainer struct {
	testcontainers.Container
	url string
}

const dockerfile = `FROM scratch
COPY nats-server /nats-server
ENTRYPOINT ["/nats-server", "-js", "-sd", "/data", "--user", "test", "--pass", "test"]
`

func startNATS(t *testing.T) *natsContainer {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, "nats-server"), "github.com/nats-io/nats-server/v2")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600))

	c, err := testcontainers.GenericContainer(t.Context(), testcontainers.GenericContainerRequest{
		Started: true,
		ContainerRequest: testcontainers.ContainerRequest{
			FromDockerfile: testcontainers.FromDockerfile{Context: dir},
			ExposedPorts:   []string{"4222/tcp"},
			WaitingFor:     wait.ForMappedPort("4222/tcp"),
			HostConfigModifier: func(h *container.HostConfig) {
				h.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyDisabled}
			},
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, c.Terminate(context.WithoutCancel(t.Context())))
	})
	n := &natsContainer{Container: c}
	n.resolve(t)
	return n
}

// resolve asks for the published port, which changes with each start, and
// waits until the server speaks its protocol there: the port is open before.
func (n *natsContainer) resolve(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		endpoint, err := n.PortEndpoint(t.Context(), "4222/tcp", "nats")
		if err != nil {
			return false
		}
		nc, err := nats.Connect(endpoint, nats.UserInfo("test", "test"), nats.Timeout(time.Second))
		if err != nil {
			return false
		}
		defer nc.Close()
		n.url = endpoint
		return nc.FlushTimeout(time.Second) == nil
	}, 30*time.Second, 50*time.Millisecond)
}

func (n *natsContainer) connect(t *testing.T) *nats.Conn {
	t.Helper()
	nc, err := natsd.Connect(n.url, t.Name(), nats.UserInfo("test", "test"))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// Every event that was acknowledged survives SIGKILL of the server, and a
// handler that was interrupted by it ends as if nothing had happened.
func TestEventsSurviveAKilledServer(t *testing.T) {
	needDocker(t)
	n := startNATS(t)
	b, err := bus.New(t.Context(), n.connect(t), bus.Options{Unit: "builder", Log: zerolog.Nop()})
	require.NoError(t, err)
	const total = 500
	for i := range total {
		require.NoError(t, b.Emit(t.Context(), events.ChangeMerged{ChangeID: fmt.Sprint(i)}, bus.For("acme", "shop")))
	}

	require.NoError(t, kill(t, n))
	require.NoError(t, n.Start(t.Context()))
	n.resolve(t)

	b, err = bus.New(t.Context(), n.connect(t), bus.Options{Unit: "builder", Log: zerolog.Nop()})
	require.NoError(t, err)
	var handled atomic.Int32
	r := bus.NewRouter("builder")
	bus.On(r, func(ctx context.Context, e events.Event[events.ChangeMerged]) error {
		handled.Add(1)
		return b.Emit(ctx, events.BuildQueued{BuildID: "b" + e.Data.ChangeID})
	}, events.BuildQueued{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx, r) }()
	require.Eventually(t, func() bool { return handled.Load() >= total }, 30*time.Second, 20*time.Millisecond)
	cancel()
	require.NoError(t, <-ended)

	seen := map[string]int{}
	require.NoError(t, b.History(t.Context(), bus.Query{Types: []string{"build.queued"}}, func(s bus.Stored) error { seen[s.Subject]++; return nil }))
	require.Len(t, seen, total, "one effect for each acknowledged event")
	for id, count := range seen {
		require.Equal(t, 1, count, id)
	}
}

func kill(t *testing.T, n *natsContainer) error {
	t.Helper()
	client, err := testcontainers.NewDockerClientWithOpts(t.Context())
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	_, err = client.ContainerKill(t.Context(), n.GetContainerID(), mobyclient.ContainerKillOptions{Signal: "SIGKILL"})
	return err
}
