// SPDX-License-Identifier: Apache-2.0

// Command hydra is the command line of Hydra and, as `hydra up`, the whole
// platform in one process.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/hydra-platform/hydra/libs/sandbox"
)

// version is set when a release is linked.
var version = "dev"

func main() {
	if code, isInit := sandbox.Init(); isInit {
		os.Exit(code)
	}
	// The first signal asks for an orderly stop, the second one ends at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	c := &cli{in: os.Stdin, out: os.Stdout, err: os.Stderr, version: version}
	os.Exit(c.run(ctx, os.Args[1:]))
}
