// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

const maxDockerfile = 1 << 20 // bytes

// readDockerfile returns the names of a Dockerfile's stages in lower case,
// "" for one without a name, and whether BuildKit's own frontend is enough.
// What does not parse is [ErrUnknown] with the line.
func readDockerfile(name string) (stages []string, builtIn bool, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, false, err
	}
	if info.Size() > maxDockerfile {
		return nil, false, fmt.Errorf("%w: larger than %d KiB", ErrUnknown, maxDockerfile>>10)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, false, err
	}
	// A Dockerfile in another syntax is for its own frontend to judge.
	if ref, _, _, ok := parser.DetectSyntax(data); ok && !standard(ref) {
		return nil, false, nil
	}
	stages, err = parseStages(data)
	return stages, true, err
}

func parseStages(data []byte) ([]string, error) {
	result, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	stages, _, err := instructions.Parse(result.AST, linter.New(&linter.Config{Warn: func(string, string, string, string, []parser.Range) {}}))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	if len(stages) == 0 {
		return nil, fmt.Errorf("%w: no FROM", ErrUnknown)
	}
	names := make([]string, len(stages))
	for i, s := range stages {
		names[i] = strings.ToLower(s.Name)
	}
	return names, nil
}

// standard reports whether a `# syntax=` line names Docker's stable frontend.
// BuildKit has a newer one built in, which needs no registry.
func standard(ref string) bool {
	ref = strings.TrimPrefix(ref, "docker.io/")
	ref, _, _ = strings.Cut(ref, "@")
	name, tag, _ := strings.Cut(ref, ":")
	return name == "docker/dockerfile" && (tag == "" || tag == "latest" || tag == "1" || strings.HasPrefix(tag, "1.")) && !strings.Contains(tag, "-labs")
}
