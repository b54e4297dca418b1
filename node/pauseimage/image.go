// SPDX-License-Identifier: Apache-2.0

// Package pauseimage makes the image of the container that holds a pod's
// namespaces, so that a node needs no registry to start its first pod.
package pauseimage

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Name is the reference under which the image is imported.
const Name = "hydra.local/pause:1"

// Write writes the image for the architecture, in Go's naming, as an archive
// that containerd imports.
func Write(w io.Writer, arch string) error {
	program, err := Executable(arch)
	if err != nil {
		return err
	}
	var files bytes.Buffer
	t := tar.NewWriter(&files)
	if err := t.WriteHeader(&tar.Header{Name: "pause", Mode: 0o755, Size: int64(len(program))}); err != nil {
		return fmt.Errorf("write the pause layer: %w", err)
	}
	if _, err := t.Write(program); err != nil {
		return fmt.Errorf("write the pause layer: %w", err)
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("write the pause layer: %w", err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil })
	if err != nil {
		return fmt.Errorf("make the pause layer: %w", err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return fmt.Errorf("make the pause image: %w", err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("make the pause image: %w", err)
	}
	file.OS, file.Architecture = "linux", arch
	file.Config = v1.Config{Entrypoint: []string{"/pause"}, User: "65535:65535"}
	if img, err = mutate.ConfigFile(img, file); err != nil {
		return fmt.Errorf("make the pause image: %w", err)
	}
	ref, err := name.NewTag(Name)
	if err != nil {
		return fmt.Errorf("name the pause image: %w", err)
	}
	if err := tarball.Write(ref, img, w); err != nil {
		return fmt.Errorf("write the pause image: %w", err)
	}
	return nil
}
