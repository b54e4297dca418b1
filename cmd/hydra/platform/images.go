// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/cmd/hydra/platform/seed"
	"github.com/hydra-platform/hydra/libs/supervise"
	"github.com/hydra-platform/hydra/services/builder/toolchain"
)

// imagesPart puts the images into the registry that builds and the telemetry
// set start from, so that a machine without any other registry works. What is
// there already stays.
func (p *Platform) imagesPart() supervise.Part {
	return supervise.Part{
		Name: "images", After: []string{"registry"},
		Task: func(ctx context.Context) error {
			log := p.log.With().Str("part", "images").Logger()
			for _, program := range []string{"prometheus", "collector"} {
				image, ok := seed.Program(program, p.find)
				if !ok {
					log.Info().Str("image", program).Msg("not made here, it will be pulled")
					continue
				}
				begun := time.Now()
				done, err := image.Push(ctx, p.registryAddr())
				if err != nil {
					return err
				}
				if done {
					log.Info().Str("image", image.Name).Dur("took", time.Since(begun)).Msg("made")
				}
			}
			return p.seedToolchain(ctx, log)
		},
	}
}

// seedToolchain makes the images that builds start from out of what is here.
// Without Go or a shell on this machine they come from Docker Hub.
func (p *Platform) seedToolchain(ctx context.Context, log zerolog.Logger) error {
	if _, err := exec.LookPath("busybox"); err != nil {
		log.Info().Msg("busybox is not installed: base images will be pulled")
		return nil
	}
	begun := time.Now()
	pushed, err := toolchain.Seed(ctx, p.registryAddr(), goRoot(ctx), warmDir())
	if len(pushed) > 0 {
		log.Info().Strs("images", pushed).Dur("took", time.Since(begun)).Msg("made")
	}
	return err
}

// goRoot is this machine's Go, or nothing.
func goRoot(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// warmDir is beside this program, where `make build` has [WarmToolchain] put
// the compiled standard library.
func warmDir() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(self), "toolchain")
}

// WarmToolchain compiles what the first build of every project would compile
// again, for the Go image that `hydra up` makes. It is done once.
func WarmToolchain(ctx context.Context) error {
	root := goRoot(ctx)
	if root == "" {
		return nil // no Go image is made without Go
	}
	return toolchain.Warm(ctx, root, warmDir())
}

func (p *Platform) find(program string) (string, error) { return findBinary(program, p.dir) }

// telemetryImage is the name of an image that imagesPart makes, or nothing.
func (p *Platform) telemetryImage(program string) string {
	image, ok := seed.Program(program, p.find)
	if !ok || !p.hasRegistry() {
		return ""
	}
	return p.registryAddr() + "/" + image.Name
}
