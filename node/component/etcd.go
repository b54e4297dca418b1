// SPDX-License-Identifier: Apache-2.0

package component

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd runs an etcd member until SIGTERM. Its one flag, -config, names a
// file in etcd's own configuration format.
func runEtcd(args []string) int {
	flags := flag.NewFlagSet("etcd", flag.ContinueOnError)
	path := flags.String("config", "", "etcd configuration `file`")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	cfg, err := embed.ConfigFromFile(*path)
	if err != nil {
		fmt.Fprintf(os.Stderr, "read etcd's settings %s: %v\n", *path, err)
		return 1
	}
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		fmt.Fprintf(os.Stderr, "start etcd: %v\n", err)
		return 1
	}
	select {
	case <-stop:
		server.Close()
		return 0
	case err := <-server.Err():
		fmt.Fprintf(os.Stderr, "etcd: %v\n", err)
	case <-server.Server.StopNotify():
		fmt.Fprintln(os.Stderr, "etcd stopped by itself")
	}
	return 1
}
