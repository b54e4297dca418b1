// SPDX-License-Identifier: Apache-2.0

package toolchain_test

import (
	"archive/tar"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/services/builder/buildkit/buildkittest"
	"github.com/hydra-platform/hydra/services/builder/toolchain"
)

func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

func pull(t *testing.T, ref string) v1.Image {
	t.Helper()
	r, err := name.ParseReference(ref, name.Insecure)
	require.NoError(t, err)
	img, err := remote.Image(r, remote.WithContext(t.Context()))
	require.NoError(t, err)
	return img
}

func TestSeed(t *testing.T) {
	t.Parallel()
	root := goroot(t)
	first, second := buildkittest.Registry(t), buildkittest.Registry(t)

	begun := time.Now()
	pushed, err := toolchain.Seed(t.Context(), first, root, "")
	if err != nil && strings.Contains(err.Error(), "busybox") {
		t.Skip("skipped: " + err.Error())
	}
	require.NoError(t, err)
	t.Logf("seeded %v in %s", pushed, time.Since(begun))
	require.Contains(t, pushed, first+"/mirror/docker.io/library/golang:1.26")
	require.Contains(t, pushed, first+"/mirror/docker.io/library/busybox:latest")

	begun = time.Now()
	again, err := toolchain.Seed(t.Context(), first, root, "")
	require.NoError(t, err)
	require.Empty(t, again, "what is there is left alone")
	t.Logf("again in %s", time.Since(begun))

	_, err = toolchain.Seed(t.Context(), second, root, "")
	require.NoError(t, err)
	img := pull(t, first+"/mirror/docker.io/library/golang:1.26")
	a, err := img.Digest()
	require.NoError(t, err)
	b, err := pull(t, second+"/mirror/docker.io/library/golang:latest").Digest()
	require.NoError(t, err)
	require.Equal(t, a, b, "the same machine gives the same image")

	seen := map[string]bool{}
	files := mutate.Extract(img)
	var size int64
	for in := tar.NewReader(files); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		size += h.Size
		seen[h.Name] = true
		require.True(t, h.ModTime.IsZero() || h.ModTime.Unix() == 0, "%s has a time", h.Name)
	}
	require.NoError(t, files.Close())
	t.Logf("%d files, %d MiB", len(seen), size>>20)
	for _, want := range []string{"bin/sh", "usr/local/go/bin/go", "usr/local/go/src/net/http/server.go", "usr/local/go/go.env", "etc/passwd"} {
		require.True(t, seen[want], want)
	}
	require.False(t, seen["usr/local/go/src/net/http/server_test.go"])
}

func TestSeedRefusesWhatIsNoGOROOT(t *testing.T) {
	t.Parallel()
	_, err := toolchain.Seed(t.Context(), buildkittest.Registry(t), t.TempDir(), "")
	require.ErrorContains(t, err, "is no GOROOT")
}
