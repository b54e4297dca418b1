// SPDX-License-Identifier: Apache-2.0

// Command hydra-demo starts the platform and runs the main job live: a push
// becomes a running, tested, observed and scaled app, every step an event.
//
// It is also the post-receive hook of the demo's repository, so that a later
// `git push` there is delivered as well.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := demo
	if len(os.Args) > 1 && os.Args[1] == "hook" {
		run = hook
	}
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "hydra-demo:", err)
		os.Exit(1)
	}
}
