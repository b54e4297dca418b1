// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// Check reports everything that keeps a node from running on this machine, with
// what to do about it, before anything is started.
func Check(cfg Config) error {
	if runtime.GOOS != "linux" {
		return errors.New("a node needs Linux: use --kubeconfig with a cluster of yours")
	}
	var problems []error
	if os.Geteuid() != 0 {
		problems = append(problems, errors.New("a node needs root, for namespaces and mounts: start it with sudo"))
	}
	for program, pkg := range map[string]string{
		cfg.Containerd: "containerd", "runc": "runc", "ctr": "containerd", "containerd-shim-runc-v2": "containerd",
		"iptables": "iptables", "conntrack": "conntrack",
	} {
		if _, err := exec.LookPath(program); err != nil {
			problems = append(problems, fmt.Errorf("%s is not installed: install the package %s", program, pkg))
		}
	}
	if _, err := findCNI(cfg.CNIPlugins); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(append(problems, cfg.Validate())...)
}
