// SPDX-License-Identifier: Apache-2.0

// Command hydra-bench measures Hydra against the same work done by hand, in
// one run on one machine, and writes what it found: as JSON, and as the
// document that is generated from it. A goal that is missed is reported as
// missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "hydra-bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("hydra-bench", flag.ContinueOnError)
	group := flags.String("group", "main", "benchmark group")
	root := flags.String("root", "..", "the checkout")
	out := flags.String("out", "results.json", "file for the results; other groups in it are kept")
	doc := flags.String("doc", "benchmarks.md", "file for the document")
	rounds := flags.Int("rounds", 5, "rounds of each measurement; the median counts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	groups := map[string]func(context.Context, string, int) ([]Result, error){"main": mainGroup}
	measure, known := groups[*group]
	if !known {
		return fmt.Errorf("there is no group %q", *group)
	}
	results, err := measure(ctx, *root, *rounds)
	if err != nil {
		return fmt.Errorf("group %s: %w", *group, err)
	}
	commit, err := headCommit(ctx, *root)
	if err != nil {
		return err
	}
	all, err := merge(*out, *group, commit, results)
	return errors.Join(err, writeDocument(*doc, all))
}
