// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// need is a program of the machine with the Debian package that brings it.
type need struct {
	pkg  string
	find func() bool
	why  string
	when string // run, or test for what only the tests need
}

func needs() []need {
	return []need{
		{"git", program("git"), "fetches and holds the source of apps", "run"},
		{"containerd", program("containerd"), "runs containers", "run"},
		{"runc", program("runc"), "runs containers and build steps", "run"},
		{"containernetworking-plugins", file("/usr/lib/cni/bridge", "/opt/cni/bin/bridge"), "connects pods", "run"},
		{"iptables", program("iptables"), "routes to services", "run"},
		{"conntrack", program("conntrack"), "lets kube-proxy forget old connections", "run"},
		{"iproute2", program("ip"), "shows interfaces", "run"},
		{"busybox-static", file("/bin/busybox"), "gives build images a shell where no registry is reachable", "run"},
		{"npm", program("npm"), "builds the web page", "run"},
		{"docker.io", program("dockerd"), "runs NATS in a container for the tests", "test"},
		{"chromium", program("chromium"), "looks at the web page in the tests", "test"},
		{"python3-venv", pythonVenv, "runs the AWS emulator for the tests", "test"},
	}
}

func program(name string) func() bool {
	return func() bool { _, err := exec.LookPath(name); return err == nil }
}

func pythonVenv() bool { return exec.Command("python3", "-c", "import venv, ensurepip").Run() == nil }

func file(paths ...string) func() bool {
	return func() bool {
		for _, p := range paths {
			if _, err := os.Stat(p); err == nil {
				return true
			}
		}
		return false
	}
}

// installMissing looks for what the machine lacks, says so, and asks apt for
// it when it may.
func installMissing(ctx context.Context, when string) error {
	var missing []string
	for _, n := range needs() {
		if (n.when == "run" || n.when == when) && !n.find() {
			fmt.Printf("%-12s %s is missing: it %s\n", "install", n.pkg, n.why)
			missing = append(missing, n.pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	by := "apt-get install -y --no-install-recommends " + strings.Join(missing, " ")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("these programs are missing: %s; on Debian or Ubuntu install them as root with\n  %s", strings.Join(missing, ", "), by)
	}
	for _, line := range []string{"apt-get update -qq", by + " -qq"} {
		fmt.Printf("%-12s %s\n", "install", line)
		args := strings.Fields(line)
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", line, err, out)
		}
	}
	return nil
}
