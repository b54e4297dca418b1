// SPDX-License-Identifier: Apache-2.0

// Command hydra-entry is the HTTP entry of a Hydra node: Caddy as a library,
// set up from the HTTPRoutes of the Gateway API. It is an adapter of routes;
// every byte of a request goes through Caddy.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/parts/entry/translate"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "hydra-entry:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var opts translate.Options
	flags := flag.NewFlagSet("hydra-entry", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "`file` with access to the cluster; empty: the pod's service account. It may appear later")
	ensure := flags.Bool("ensure-gateway", false, "create namespace hydra-system, GatewayClass hydra and Gateway hydra")
	flags.StringVar(&opts.Listen, "listen", "127.0.0.1:7080", "`address` for apps; port 0 takes a free one")
	flags.StringVar(&opts.MetricsListen, "metrics-listen", "", "`address` for Caddy's metrics; empty: none")
	flags.StringVar(&opts.DataDir, "data-dir", "", "`directory` for Caddy's storage")
	flags.DurationVar(&opts.Hold, "hold", 5*time.Second, "how long a request waits for an instance that takes it")
	flags.BoolVar(&opts.AccessLog, "access-log", false, "log each request")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if opts.DataDir == "" {
		return fmt.Errorf("--data-dir is missing; give a directory that the entry may write to")
	}
	if opts.Hold <= 0 {
		return fmt.Errorf("--hold is %s; give a time above zero", opts.Hold)
	}
	// Small objects, few of them long-lived: half the usual head-room is
	// cheap here and keeps the entry small beside the apps.
	debug.SetGCPercent(50)
	log := zerolog.New(os.Stderr).With().Timestamp().Logger()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e, err := newEntry(opts, log)
	if err != nil {
		return err
	}
	// Caddy ends the process when it is told to: it closes the listeners,
	// lets requests finish and exits.
	caddy.TrapSignals()
	if err := e.run(ctx, *kubeconfig, *ensure, os.Stdout); err != nil {
		return err
	}
	select {}
}
