// SPDX-License-Identifier: Apache-2.0

// Command build makes the programs of Hydra: it installs what is missing,
// compiles each program and shows what is being compiled, how far it is and
// how long it will still take.
//
// It needs nothing but the Go toolchain, and never the network beyond what
// the Go, npm and Debian clients are set up for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	only := flag.String("only", "", "comma separated targets: "+strings.Join(names(), ", ")+" (default: all)")
	install := flag.String("install", "run", "which programs of the machine to look for: run, test, none")
	version := flag.String("version", "dev", "version to stamp into hydra")
	flag.Parse()
	if err := run(ctx, *only, *install, *version); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only, install, version string) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	chosen, err := choose(only, install == "test")
	if err != nil {
		return err
	}
	begin := time.Now()
	if install != "none" {
		if err := installMissing(ctx, install); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil {
		return err
	}
	p := newProgress(os.Stdout)
	defer p.end()
	web := startWeb(ctx, root, chosen)
	var errs []error
	for _, t := range chosen {
		if t.pkg == "" {
			continue
		}
		if t.embedsWeb {
			if err := web.wait(p); err != nil {
				return err
			}
		}
		if err := t.build(ctx, root, version, p); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.name, err))
			break
		}
	}
	errs = append(errs, web.wait(p))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	p.printf("built in %s\n", time.Since(begin).Round(time.Second))
	return nil
}

// findRoot walks up to the directory that holds go.work.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.work")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("no go.work above %s; run this inside the checkout", dir)
		}
	}
}
