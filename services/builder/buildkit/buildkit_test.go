// SPDX-License-Identifier: Apache-2.0

package buildkit_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/services/builder/buildkit"
	"github.com/hydra-platform/hydra/services/builder/buildkit/buildkittest"
)

func job(t *testing.T, dockerfile string) buildkit.Job {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte("hello\n"), 0o600))
	return buildkit.Job{Context: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), SharedKey: t.Name()}
}

// TestRepair makes what a daemon killed at the wrong moment leaves: a directory
// with the number that the next snapshot gets.
func TestRepair(t *testing.T) {
	t.Parallel()
	registry := buildkittest.Registry(t)
	d := buildkittest.Start(t, registry)
	c := &buildkit.Client{Address: d.Address}
	first := job(t, "FROM scratch\nCOPY a.txt /a\n")
	_, err := c.Solve(t.Context(), first)
	require.NoError(t, err)
	d.Kill()

	snapshots := filepath.Join(d.Data(), "runc-overlayfs", "snapshots", "snapshots")
	if _, err := os.Stat(snapshots); err != nil {
		t.Skip("skipped: the kernel here has BuildKit use another snapshotter than overlayfs")
	}
	for _, orphan := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "new-123"} {
		require.NoError(t, os.MkdirAll(filepath.Join(snapshots, orphan, "fs"), 0o755))
	}
	d.RunAsIs()
	_, err = c.Solve(t.Context(), job(t, "FROM scratch\nCOPY a.txt /b\n"))
	require.ErrorContains(t, err, "file exists", "the daemon does not help itself; if it does now, Repair can go")
	d.Kill()

	removed, err := buildkit.Repair(t.Context(), d.Data())
	require.NoError(t, err)
	require.NotEmpty(t, removed)
	d.RunAsIs()
	_, err = c.Solve(t.Context(), job(t, "FROM scratch\nCOPY a.txt /c\n"))
	require.NoError(t, err)
	again, err := c.Solve(t.Context(), first)
	require.NoError(t, err)
	require.True(t, again.Cached, "what the daemon knows is left alone")
}
