// SPDX-License-Identifier: Apache-2.0

// Package cluster is the deployer's hand in a Kubernetes cluster: it applies
// objects, reads how they are, and takes them away.
//
// It touches only what carries the labels of the project and app that it is
// asked for. An object of that name which belongs to somebody else is never
// taken over and never deleted.
//
// Its errors say what to do next: [ErrUnreachable] try again later, [ErrNotYet]
// try again until the deadline, [Refused] do not try again.
package cluster
