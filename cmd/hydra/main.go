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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	c := &cli{in: os.Stdin, out: os.Stdout, err: os.Stderr, version: version}
	code := c.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
