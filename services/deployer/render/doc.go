// SPDX-License-Identifier: Apache-2.0

// Package render turns an Application into the objects that run it.
//
// [Application] is a pure function: it reads no clock, no cluster and no
// file, and the same input gives the same objects byte for byte. What it
// chooses beyond what the file says:
//
//   - A workload has its component's name, as in KubeVela, so that components
//     find each other by it. A task's Job has "-v<revision>" added, because
//     the template of a Job cannot be changed.
//   - Pods run without the service account's token, without gaining
//     privileges, under the runtime's seccomp profile, and with the few
//     capabilities that a server which starts as root needs to become
//     another user; NET_BIND_SERVICE only with a port below 1024.
//   - A roll-out adds one pod (or a quarter) and takes none away before it is
//     ready. A pod that serves is kept for a few seconds after it left the
//     Service, so that no request meets a closed port.
//   - spec.replicas is set only by the trait scaler: whoever else scales the
//     workload keeps what they set.
package render
