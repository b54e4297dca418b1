// SPDX-License-Identifier: Apache-2.0

// Package buildkit builds images with a BuildKit daemon.
//
// A [Client] solves one Dockerfile at a time over one connection, hands on
// what the steps print line by line, and tells a build that broke from a
// daemon that is not there.
package buildkit
