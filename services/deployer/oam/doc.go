// SPDX-License-Identifier: Apache-2.0

// Package oam reads OAM v1beta1 Application files, the types that KubeVela
// ships built in and that Hydra runs, with their parameters under their own
// names.
//
// [Parse] checks a whole file and reports every mistake at once, each with
// file, line, field and what was expected. A key that nobody knows is only a
// warning, because KubeVela lets it pass; it comes with the nearest name that
// exists. Nothing here looks at a cluster: the same bytes give the same answer.
package oam
