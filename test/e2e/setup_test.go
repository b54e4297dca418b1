// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the main job against a whole platform, started and stopped
// as a user does it.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/platform"
	"github.com/hydra-platform/hydra/libs/sandbox/sandboxtest"
	"github.com/hydra-platform/hydra/test/journey"
)

// programs are what `hydra up` starts, beside those of the machine.
var programs = []string{"hydra", "hydra-demo", "hydra-node", "buildkitd", "hydra-entry", "prometheus", "collector"}

// binaries returns where they are, or skips with the reason.
func binaries(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("whole platform: -short")
	}
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("whole platform: it needs root on Linux")
	}
	dir := os.Getenv("HYDRA_BIN")
	if dir == "" {
		dir = "../../bin"
	}
	dir, err := filepath.Abs(dir)
	require.NoError(t, err)
	for _, name := range programs {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Skipf("whole platform: %s is not in %s; run `make build`", name, dir)
		}
	}
	for _, name := range []string{"containerd", "runc", "iptables", "git"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("whole platform: %s is not installed", name)
		}
	}
	return dir
}

// running is an instance of its own with a story to be told on it.
type running struct {
	journey.Instance
	Dir   string // below the instance's --git-root
	Bin   string
	Log   *bytes.Buffer
	args  []string // of `hydra up`, beside those that all get
	marks []string // what its processes, mounts and interfaces are known by
}

// start brings a platform up on free ports. When the test ends it is stopped,
// and nothing of it may be left on the machine.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	r := prepare(t, "")
	r.args = args
	r.up(t)
	require.NotEmpty(t, sandboxtest.Snapshot(t, r.marks...), "the counter sees what runs")
	return r
}

// prepare is start without the start. repositories are those of another
// instance, or empty.
func prepare(t *testing.T, repositories string) *running {
	t.Helper()
	bin := binaries(t)
	dir, err := os.MkdirTemp("", "hydra-e2e-") // t.TempDir's path is too long for sockets
	require.NoError(t, err)
	r := &running{Bin: bin, Dir: repositories, Log: &bytes.Buffer{}}
	if r.Dir == "" {
		r.Dir = filepath.Join(dir, "git")
	}
	r.Instance = journey.Instance{Hydra: filepath.Join(bin, "hydra"), DataDir: filepath.Join(dir, "data"), Out: r.Log}
	require.NoError(t, os.MkdirAll(r.Dir, 0o755))
	data, err := platform.OpenDir(r.DataDir)
	require.NoError(t, err)
	r.marks = []string{dir, data.Instance()}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if t.Failed() {
			r.evidence(t)
		}
		require.NoError(t, r.Down(ctx, true), "hydra down --purge")
		sandboxtest.Gone(t, r.marks...)
		require.NoError(t, os.RemoveAll(dir))
	})
	return r
}

func (r *running) up(t *testing.T) {
	t.Helper()
	require.NoError(t, r.Up(t.Context(), append([]string{"--port-base", "0", "--git-root", r.Dir}, r.args...)...), r.Log.String())
}

// story returns a story on the instance for a project of its own.
func (r *running) story(t *testing.T, project string) (*journey.Story, *api.Client) {
	t.Helper()
	client, state, err := r.Client(t.Context())
	require.NoError(t, err)
	return journey.New(journey.Settings{
		Client: client, Entry: state.Ports.Entry, Dir: filepath.Join(r.Dir, project), Example: "../../examples/apps/hello-go",
		Program: filepath.Join(r.Bin, "hydra-demo"), Project: project, App: "hello",
		Tell: func(l journey.Line) {
			if l.Done {
				t.Logf("%-46s %6.1fs  %s %v", l.Step, l.Took.Seconds(), l.Result, errorText(l.Err))
			}
		},
	}), client
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return "ERROR: " + err.Error()
}

// evidence prints the ends of the platform's logs.
func (r *running) evidence(t *testing.T) {
	t.Helper()
	logs, _ := filepath.Glob(filepath.Join(r.DataDir, "logs", "*.log"))
	for _, file := range logs {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(data)), "\n")
		fmt.Printf("--- %s\n%s\n", filepath.Base(file), strings.Join(lines[max(0, len(lines)-15):], "\n"))
	}
}
