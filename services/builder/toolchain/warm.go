// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// program and test use what most services use of the standard library.
const (
	program = `package main

import (
	_ "bufio"
	_ "crypto/rand"
	_ "embed"
	_ "encoding/base64"
	_ "encoding/json"
	_ "flag"
	_ "html/template"
	_ "log/slog"
	"net/http"
	_ "os/exec"
	_ "os/signal"
	_ "text/tabwriter"
)

func main() { _ = http.ListenAndServe("", nil) }
`
	test = `package main

import (
	_ "net/http/httptest"
	"testing"
)

func TestNothing(*testing.T) {}
`
)

// Warm compiles the usual part of the standard library into dir, for [Seed] to
// put into the image: half a minute of work that the first build of every
// project would do again. It does nothing when that was done before. goroot is
// the same as Seed's.
func Warm(ctx context.Context, goroot, dir string) (err error) {
	version, err := Version(goroot)
	if err != nil {
		return err
	}
	if isWarm(dir, version) {
		return nil
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(filepath.Join(dir, "cache"), 0o755)); err != nil {
		return fmt.Errorf("compile the standard library: %w", err)
	}
	src, err := os.MkdirTemp("", "hydra-warm-")
	if err != nil {
		return fmt.Errorf("compile the standard library: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(src)) }()
	language := strings.Join(strings.SplitN(version, ".", 3)[:2], ".")
	for name, content := range map[string]string{
		"go.mod": "module warm\n\ngo " + language + "\n", "main.go": program, "main_test.go": test,
	} {
		if err := os.WriteFile(filepath.Join(src, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("compile the standard library: %w", err)
		}
	}
	for _, args := range [][]string{{"test", "-run=TestNothing", "."}, {"build", "-o", os.DevNull, "."}} {
		cmd := exec.CommandContext(ctx, filepath.Join(goroot, "bin", "go"), args...)
		cmd.Dir = src
		cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(dir, "cache"), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off", "GOTOOLCHAIN=local", "GOENV=off", "GOOS=linux", "GOROOT="+goroot)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("compile the standard library: go %s: %w: %s", args[0], err, out)
		}
	}
	return os.WriteFile(filepath.Join(dir, "version"), []byte(version), 0o600)
}

func isWarm(dir, version string) bool {
	data, err := os.ReadFile(filepath.Join(dir, "version"))
	return dir != "" && err == nil && string(data) == version
}

// cacheFiles puts the compiled packages where Go looks for them. Its notes of
// when it cleaned up last stay behind.
func cacheFiles(t *tarWriter, dir string) error {
	for _, d := range []string{"root", "root/.cache"} {
		t.dir(d, 0o700)
	}
	return t.tree("root/.cache/go-build", filepath.Join(dir, "cache"), func(rel string, d fs.FileInfo) bool {
		return d.IsDir() || strings.HasSuffix(rel, "-a") || strings.HasSuffix(rel, "-d")
	})
}
