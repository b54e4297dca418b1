// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A target is one program. They are built one after the other, because each
// keeps all cores busy by itself.
type target struct {
	name  string
	dir   string   // module
	pkg   string   // empty for the web page, which npm builds
	out   string   // in bin/; default name
	flags []string // beside those that all share
	// ldflagsFile, in dir, holds what is stamped into the program.
	ldflagsFile string
	workspace   bool // built inside go.work
	embedsWeb   bool
	tests       bool     // only the tests need it
	after       []string // arguments with which the program is run once it is built
	why         string
}

func targets() []target {
	return []target{
		{name: "web", why: "the web page"},
		{name: "hydra-node", dir: "node", pkg: ".", ldflagsFile: "ldflags.txt", why: "Kubernetes"},
		{name: "buildkitd", dir: "parts/buildkit", pkg: "github.com/moby/buildkit/cmd/buildkitd", flags: []string{"-tags", "osusergo netgo static_build"}, why: "builds images"},
		{name: "hydra-entry", dir: "parts/entry", pkg: ".", why: "the HTTP entry"},
		{name: "prometheus", dir: "parts/prometheus", pkg: "github.com/prometheus/prometheus/cmd/prometheus", flags: []string{"-tags", "netgo remove_all_sd enable_kubernetes_sd"}, why: "keeps metrics"},
		{name: "collector", dir: "parts/collector", pkg: ".", why: "receives telemetry"},
		{name: "hydra", dir: ".", pkg: "./cmd/hydra", workspace: true, embedsWeb: true, after: []string{"warm-toolchain"}, why: "the platform"},
		{name: "hydra-demo", dir: ".", pkg: "./test/cmd/hydra-demo", workspace: true, why: "the main job, live"},
		{name: "gotestsum", dir: "tools/gotestsum", pkg: "gotest.tools/gotestsum", tests: true, why: "tells what the tests found"},
	}
}

func names() []string {
	var out []string
	for _, t := range targets() {
		out = append(out, t.name)
	}
	return out
}

// choose returns the named targets; without names all, and those that only
// tests need when there are tests to be run.
func choose(only string, tests bool) ([]target, error) {
	all := targets()
	if only == "" {
		return slices.DeleteFunc(all, func(t target) bool { return t.tests && !tests }), nil
	}
	var out []target
	for _, name := range strings.Split(only, ",") {
		i := slices.IndexFunc(all, func(t target) bool { return t.name == name })
		if i < 0 {
			return nil, fmt.Errorf("unknown target %q; there are %s", name, strings.Join(names(), ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}

func (t target) build(ctx context.Context, root, version string, p *progress) error {
	out := filepath.Join(root, "bin", t.name)
	ldflags := "-s -w"
	if t.ldflagsFile != "" {
		stamp, err := os.ReadFile(filepath.Join(root, t.dir, t.ldflagsFile))
		if err != nil {
			return err
		}
		ldflags = strings.TrimSpace(string(stamp))
	}
	if t.workspace {
		ldflags += " -X main.version=" + version
	}
	shared := append([]string{"-trimpath", "-ldflags", ldflags}, t.flags...)
	stale := t.stale(ctx, root, shared)
	p.begin(t.name, t.why, stale)

	args := append(append([]string{"build", "-v"}, shared...), "-o", out, t.pkg)
	cmd := t.command(ctx, root, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start go: %w", err)
	}
	rest := t.follow(stderr, p)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, rest)
	}
	info, err := os.Stat(out)
	if err != nil {
		return err
	}
	p.done(t.name, info.Size())
	if t.after == nil || p.compiled() == 0 && exists(filepath.Join(root, "bin", "toolchain")) {
		return nil
	}
	p.note("compiling the standard library for images")
	cmd = exec.CommandContext(ctx, out, t.after...)
	if printed, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", t.name, strings.Join(t.after, " "), err, printed)
	}
	return nil
}

// follow counts packages as `go build -v` names them and keeps what is no
// package's name: the compiler's errors.
func (t target) follow(stderr io.Reader, p *progress) string {
	var rest []string
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "go: downloading "):
			p.note(strings.TrimPrefix(line, "go: "))
		case strings.ContainsAny(line, " :#"):
			rest = append(rest, line)
		default:
			p.step(line)
		}
	}
	return strings.Join(rest[max(0, len(rest)-30):], "\n")
}

// stale counts the packages that have to be compiled; 0 where it is unknown.
func (t target) stale(ctx context.Context, root string, shared []string) int {
	args := append(append([]string{"list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}"}, shared...), t.pkg)
	out, err := t.command(ctx, root, args...).Output()
	if err != nil {
		return 0 // `go build` will say what is wrong
	}
	return len(strings.Fields(string(out)))
}

func (t target) command(ctx context.Context, root string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(root, t.dir)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	// This program itself is run with GOWORK=off.
	workspace := "GOWORK=off"
	if t.workspace {
		workspace = "GOWORK="
	}
	cmd.Env = append(cmd.Env, workspace)
	return cmd
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
