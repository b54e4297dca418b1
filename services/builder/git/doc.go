// SPDX-License-Identifier: Apache-2.0

// Package git brings exactly one commit of a repository into a directory.
//
// A remote repository is fetched shallow, that commit alone where the server
// allows it. One below an allowed local directory is read where it is. The
// files are written by this package rather than checked out: no hook, filter
// or submodule runs, sizes and counts are limited, no link leaves the tree,
// and every file has the time of the commit, so that the same commit gives the
// same tree byte for byte.
package git
