// SPDX-License-Identifier: Apache-2.0

// Package sandbox runs a command in PID, mount, IPC and network namespaces of
// its own on Linux, so that ending one process ends everything below it.
//
// The process that a Box starts is a small init, pid 1 of the new PID
// namespace. When it ends, for whatever reason, the kernel kills every process
// in the namespace; with the last of them go the mounts made inside, the
// network interfaces, the iptables rules and the routes. The init in turn is
// killed by the kernel when the program that started it dies. So a container
// runtime inside leaves no shim and no overlay mount behind, not even after
// SIGKILL.
//
// The file system is the host's: a Unix socket below the data directory works
// from both sides. What differs inside is said by Config: directories that are
// private and empty (Private), exceptions from that (Keep), and single files
// whose content is private (Shadow). Mounts made inside are not seen outside.
//
// The network is one veth pair between host and sandbox. The host routes the
// address ranges of the sandbox (pods, services) through it, so that processes
// on the host reach them; nothing inside reaches the host's 127.0.0.1.
// What the kernel cannot take back by itself, a few rules and routes on the
// host and cgroup directories, Detach removes, and Sweep after a crash.
//
// A program that uses a Box has to call Init first thing in main.
package sandbox
