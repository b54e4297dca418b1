// SPDX-License-Identifier: Apache-2.0

// Package seed makes images of Hydra's own programs, such as those of the
// telemetry set, and puts them into a registry.
//
// The same files give the same image: entries are in order, belong to root and
// carry one fixed time.
package seed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/stream"
)

// Image is one that is made here.
type Image struct {
	// Name in the registry, such as hydra/prometheus:1f2e3d.
	Name string
	// Source identifies what it is made from; another one makes it again.
	Source string
	// Layers that it is made of, each written once.
	Layers []Layer
	// Config of its containers.
	Config v1.Config
}

// label says what an image in the registry was made from.
const label = "dev.hydra.seed"

// Push makes the image unless the registry has it.
func (i Image) Push(ctx context.Context, registry string) (done bool, err error) {
	ref, err := name.ParseReference(registry+"/"+i.Name, name.Insecure)
	if err != nil {
		return false, fmt.Errorf("seed image %s: %w", i.Name, err)
	}
	auth := remote.WithContext(ctx)
	switch present, err := source(ref, auth); {
	case err != nil:
		return false, fmt.Errorf("seed image %s: look whether it is there: %w", i.Name, err)
	case present == i.Source:
		return false, nil
	}
	img := mutate.MediaType(empty.Image, "application/vnd.oci.image.manifest.v1+json")
	img = mutate.ConfigMediaType(img, "application/vnd.oci.image.config.v1+json")
	for _, l := range i.Layers {
		layer := stream.NewLayer(l.open(), stream.WithCompressionLevel(1))
		// A streamed layer has to be sent before anything is asked of it.
		if err := remote.WriteLayer(ref.Context(), layer, auth); err != nil {
			return false, fmt.Errorf("seed image %s: %w", i.Name, err)
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			return false, fmt.Errorf("seed image %s: %w", i.Name, err)
		}
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return false, fmt.Errorf("seed image %s: %w", i.Name, err)
	}
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture, cfg.Created, cfg.Config = "linux", runtime.GOARCH, v1.Time{Time: epoch}, i.Config
	cfg.Config.Labels = map[string]string{label: i.Source}
	if img, err = mutate.ConfigFile(img, cfg); err != nil {
		return false, fmt.Errorf("seed image %s: %w", i.Name, err)
	}
	if err := remote.Write(ref, img, auth); err != nil {
		return false, fmt.Errorf("seed image %s: %w", i.Name, err)
	}
	return true, nil
}

var epoch = time.Unix(0, 0).UTC() //nolint:gochecknoglobals // a constant

// source is the label of the image in the registry, or nothing.
func source(ref name.Reference, opt remote.Option) (string, error) {
	img, err := remote.Image(ref, opt)
	var missing *transport.Error
	if errors.As(err, &missing) && missing.StatusCode == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return "", err
	}
	return cfg.Config.Labels[label], nil
}
