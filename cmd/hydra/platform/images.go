// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"time"

	"github.com/hydra-platform/hydra/cmd/hydra/platform/seed"
	"github.com/hydra-platform/hydra/libs/supervise"
)

// imagesPart puts the images into the registry that builds and the telemetry
// set start from, so that a machine without any other registry works. What is
// there already stays.
func (p *Platform) imagesPart() supervise.Part {
	return supervise.Part{
		Name: "images", After: []string{"registry"},
		Task: func(ctx context.Context) error {
			log := p.log.With().Str("part", "images").Logger()
			find := func(name string) (string, error) { return findBinary(name, p.dir) }
			for _, image := range seed.Images(find) {
				begun := time.Now()
				done, err := image.Push(ctx, p.registryAddr())
				switch {
				case err != nil:
					return err
				case done != "":
					log.Info().Str("image", image.Name).Dur("took", time.Since(begun)).Msg(done)
				}
			}
			return nil
		},
	}
}
