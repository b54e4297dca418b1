// SPDX-License-Identifier: Apache-2.0

// Package component runs one part of a Kubernetes node in this process: the
// upstream program of that name, with its own flags. Nothing here decides how
// the parts are configured; package cluster does.
package component

import (
	"context"
	"os"
	"slices"

	"github.com/spf13/cobra"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics on /metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // build information on /metrics
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
	metricsserver "sigs.k8s.io/metrics-server/cmd/metrics-server/app"
)

// Run runs the program that args[0] names with the flags in the rest of args
// and returns its exit code, or returns false when there is no such program.
func Run(args []string) (code int, ok bool) {
	commands := map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllermanager.NewControllerManagerCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
		"kube-proxy":              proxy.NewProxyCommand,
		"metrics-server": func() *cobra.Command {
			return metricsserver.NewMetricsServerCommand(genericapiserver.SetupSignalHandler())
		},
	}
	// The upstream programs read the process's arguments in several places.
	os.Args = slices.Clone(args)
	switch args[0] {
	case "etcd":
		return runEtcd(args[1:]), true
	case "coredns":
		runCoreDNS()
		return 0, true
	}
	command, ok := commands[args[0]]
	if !ok {
		os.Args = append([]string{"hydra-node"}, args...)
		return 0, false
	}
	return cli.Run(command()), true
}
