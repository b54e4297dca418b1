// SPDX-License-Identifier: Apache-2.0

// Package cluster configures, starts and supervises a single-node Kubernetes:
// etcd, containerd, the control plane, the kubelet, DNS and metrics.
//
// There are two processes of hydra-node run. The outer one makes the sandbox
// (its own PID, mount and network namespaces) and keeps it running; the inner
// one, inside, supervises the parts. Everything in the sandbox dies with it, so
// the host is left as it was.
//
// Read in this order: config.go (what can be set), layout.go (addresses and
// files), run.go (outer and inner), parts.go (what starts after what), then one
// file for each part.
package cluster
