// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// webBuild is npm at work beside the compiler.
type webBuild struct {
	wait func(p *progress) error
}

// startWeb builds the page unless what is there is newer than its sources.
func startWeb(ctx context.Context, root string, chosen []target) webBuild {
	nothing := webBuild{wait: func(*progress) error { return nil }}
	dist := filepath.Join(root, "services/gateway/ui/dist/index.html")
	wanted := slices.ContainsFunc(chosen, func(t target) bool { return t.name == "web" })
	if !wanted || newer(dist, filepath.Join(root, "web")) {
		return nothing
	}
	result := make(chan error, 1)
	begin := time.Now()
	go func() { result <- npm(ctx, filepath.Join(root, "web")) }()
	var once sync.Once
	var err error
	return webBuild{wait: func(p *progress) error {
		once.Do(func() {
			if err = <-result; err == nil {
				p.printf("%-12s ready after %s\n", "web", time.Since(begin).Round(100*time.Millisecond))
			}
		})
		return err
	}}
}

func npm(ctx context.Context, dir string) error {
	for _, args := range [][]string{{"ci", "--no-audit", "--no-fund", "--loglevel=error"}, {"run", "build", "--silent"}} {
		cmd := exec.CommandContext(ctx, "npm", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("web: npm %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// newer reports whether file is younger than everything in the directory that
// is a source.
func newer(file, dir string) bool {
	made, err := os.Stat(file)
	if err != nil {
		return false
	}
	young := true
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			young = false
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "e2e") {
			return filepath.SkipDir
		}
		if info, err := d.Info(); err == nil && !d.IsDir() && info.ModTime().After(made.ModTime()) {
			young = false
			return filepath.SkipAll
		}
		return nil
	})
	return young
}
