// SPDX-License-Identifier: Apache-2.0

package goapp_test

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/services/builder/detect"
	"github.com/hydra-platform/hydra/services/builder/goapp"
)

// TestOnlyTheDownloadHasANetwork reads the Dockerfile as BuildKit does.
func TestOnlyTheDownloadHasANetwork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		module    detect.GoModule
		downloads int
	}{
		"Alone":         {detect.GoModule{Dir: ".", Root: ".", Package: "."}, 0},
		"Requires":      {detect.GoModule{Dir: ".", Root: ".", Package: "./cmd/a", Requires: true, Sum: true}, 1},
		"WithNeighbour": {detect.GoModule{Dir: "svc", Root: ".", Package: ".", Requires: true, Sum: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := goapp.Dockerfile(c.module, "golang:1.26", "acme")
			result, err := parser.Parse(strings.NewReader(text))
			require.NoError(t, err, text)
			stages, _, err := instructions.Parse(result.AST, nil)
			require.NoError(t, err, text)
			downloads := 0
			for _, stage := range stages {
				for _, cmd := range stage.Commands {
					run, ok := cmd.(*instructions.RunCommand)
					if !ok {
						continue
					}
					require.NoError(t, run.Expand(func(s string) (string, error) { return s, nil }))
					if instructions.GetNetwork(run) == instructions.NetworkNone {
						continue
					}
					downloads++
					require.Contains(t, run.String(), "go mod download")
				}
			}
			require.Equal(t, c.downloads, downloads, text)
			require.Equal(t, goapp.Image, stages[len(stages)-1].Name)
		})
	}
}
