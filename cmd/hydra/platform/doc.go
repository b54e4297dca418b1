// SPDX-License-Identifier: Apache-2.0

// Package platform is `hydra up`: every part of Hydra on one machine, under
// one supervisor, in one data directory.
//
// The parts and what each starts after:
//
//	jetstream  in process      -
//	registry   in process      -
//	buildkit   child, sandbox  registry
//	images     task            registry: seeds what is missing
//	node       child, sandbox  registry
//	entry      child           node
//	services   in process      jetstream, registry, buildkit
//
// Options replace a part by something that runs elsewhere; the part is then
// not started. Everything listens on 127.0.0.1. The registry is also reachable
// from inside the two sandboxes: BuildKit finds it on its own 127.0.0.1, the
// node on the host's end of its link, read only and for the node alone.
//
// One process owns a data directory, by a lock that the kernel releases when
// the process dies. run/control.sock answers GET /status and POST /stop.
// Children die with the process; what the kernel cannot take back by itself is
// swept by the next start and by [Down].
package platform
