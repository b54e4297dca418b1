// SPDX-License-Identifier: Apache-2.0

// Command hydra-node is a real single-node Kubernetes in one binary. Its
// subcommand run starts and supervises a cluster; the other subcommands are the
// cluster's parts, which run starts as child processes of the same binary.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hydra-platform/hydra/libs/sandbox"
	"github.com/hydra-platform/hydra/node/cluster"
	"github.com/hydra-platform/hydra/node/component"
)

func main() { os.Exit(run()) }

// run is main up to the exit code, so that the test binary can be this program.
func run() int {
	if code, isInit := sandbox.Init(); isInit {
		return code
	}
	if len(os.Args) > 1 {
		if code, ok := component.Run(os.Args[1:]); ok {
			return code
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := cluster.Command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "hydra-node:", err)
		return 1
	}
	return 0
}
