// SPDX-License-Identifier: Apache-2.0

// Package toolchain makes base images from what the machine itself has, for
// machines that reach no registry: Go from its GOROOT and Debian's static
// busybox. They go to Hydra's registry under the name at which BuildKit looks
// for the upstream image, so that `FROM golang:1.26` and `FROM busybox` in
// anybody's Dockerfile resolve. What is there already, such as a mirrored
// upstream image, is left alone.
//
// The Go image is smaller than upstream's: no C compiler, so CGO_ENABLED=0, no
// Git, and busybox instead of Debian.
package toolchain

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// mirror is where BuildKit and the node look for images of Docker Hub.
const mirror = "mirror/docker.io/library/"

// Label is on every image made here, with what it was made from.
const Label = "dev.hydra.toolchain"

// Seed pushes the images that are missing in the registry, host:port over
// plain HTTP, and returns their names. goroot may be empty to leave Go out.
// warm is the directory that [Warm] filled for it; empty, or one of another
// version, is left out.
func Seed(ctx context.Context, registry, goroot, warm string) (pushed []string, err error) {
	missing, err := Missing(ctx, registry, goroot)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hydra-toolchain-")
	if err != nil {
		return nil, fmt.Errorf("make base images: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	shell, err := write(filepath.Join(dir, "shell.tar"), shellFiles)
	if err != nil {
		return nil, err
	}
	images := map[string]v1.Image{}
	for _, ref := range missing {
		repository, _, _ := strings.Cut(ref, ":")
		img, ok := images[repository]
		if !ok {
			if img, err = image(repository, goroot, warm, dir, shell); err != nil {
				return pushed, err
			}
			images[repository] = img
		}
		tag, err := tagOf(registry, ref)
		if err != nil {
			return pushed, err
		}
		if err := remote.Write(tag, img, remote.WithContext(ctx)); err != nil {
			return pushed, fmt.Errorf("push %s: %w", tag, err)
		}
		pushed = append(pushed, tag.String())
	}
	return pushed, nil
}

// Missing lists which of the names that [Seed] provides the registry does not
// have, such as "golang:1.26".
func Missing(ctx context.Context, registry, goroot string) ([]string, error) {
	names := []string{"busybox:latest"}
	if goroot != "" {
		version, err := Version(goroot)
		if err != nil {
			return nil, err
		}
		names = append(names, tags(version)...)
	}
	var missing []string
	for _, n := range names {
		tag, err := tagOf(registry, n)
		if err != nil {
			return nil, err
		}
		_, err = remote.Head(tag, remote.WithContext(ctx))
		var failed *transport.Error
		switch {
		case errors.As(err, &failed) && failed.StatusCode == http.StatusNotFound:
			missing = append(missing, n)
		case err != nil:
			return nil, fmt.Errorf("look for %s: %w", tag, err)
		}
	}
	return missing, nil
}

// Version is a GOROOT's, such as "1.26.8".
func Version(goroot string) (string, error) {
	data, err := os.ReadFile(filepath.Join(goroot, "VERSION"))
	if err != nil {
		return "", fmt.Errorf("%s is no GOROOT: %w", goroot, err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	version, ok := strings.CutPrefix(strings.TrimSpace(line), "go")
	if !ok || version == "" {
		return "", fmt.Errorf("%s/VERSION says %q, want a release such as go1.26.8", goroot, line)
	}
	version, _, _ = strings.Cut(version, " ")
	return version, nil
}

// tags are the names of a version that upstream has too: 1.26.8, 1.26, 1.
func tags(version string) []string {
	var out []string
	for v := version; ; {
		out = append(out, "golang:"+v)
		i := strings.LastIndexByte(v, '.')
		if i < 0 {
			return append(out, "golang:latest")
		}
		v = v[:i]
	}
}

func tagOf(registry, ref string) (name.Tag, error) {
	tag, err := name.NewTag(registry+"/"+mirror+ref, name.Insecure)
	if err != nil {
		return name.Tag{}, fmt.Errorf("name of %s: %w", ref, err)
	}
	return tag, nil
}

func image(repository, goroot, warm, dir string, shell *layer) (v1.Image, error) {
	layers := []v1.Layer{shell}
	cfg := v1.Config{
		Env:    []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Cmd:    []string{"sh"},
		Labels: map[string]string{Label: "busybox"},
	}
	if repository == "golang" {
		if err := static(filepath.Join(goroot, "bin", "go")); err != nil {
			return nil, fmt.Errorf("%w; install Go from go.dev, or let Hydra reach docker.io", err)
		}
		golang, err := write(filepath.Join(dir, "go.tar"), func(t *tarWriter) error { return goFiles(t, goroot) })
		if err != nil {
			return nil, err
		}
		version, err := Version(goroot)
		if err != nil {
			return nil, err
		}
		layers = append(layers, golang)
		if isWarm(warm, version) {
			cache, err := write(filepath.Join(dir, "cache.tar"), func(t *tarWriter) error { return cacheFiles(t, warm) })
			if err != nil {
				return nil, err
			}
			layers = append(layers, cache)
		}
		cfg.WorkingDir = "/go"
		cfg.Env = []string{
			"PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"GOLANG_VERSION=" + version, "GOTOOLCHAIN=local", "GOPATH=/go", "CGO_ENABLED=0",
		}
		cfg.Labels = map[string]string{Label: "goroot " + version}
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.AppendLayers(img, layers...)
	if err != nil {
		return nil, fmt.Errorf("make image %s: %w", repository, err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("make image %s: %w", repository, err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", runtime.GOARCH, cfg
	img, err = mutate.ConfigFile(img, file)
	if err != nil {
		return nil, fmt.Errorf("make image %s: %w", repository, err)
	}
	return img, nil
}

// static makes sure that a program runs in an image without libraries.
func static(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s is no Linux program: %w", path, err)
	}
	defer func() { _ = file.Close() }()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is linked dynamically and does not run in an image of its own", path)
		}
	}
	return nil
}
