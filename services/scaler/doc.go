// SPDX-License-Identifier: Apache-2.0

// Package scaler turns load into replicas.
//
// Every few seconds, and at once when the observer reports a changed load, it
// reads the newest measurement of each app that has a scaling policy, decides
// with [Decide], a pure function, and writes the scale subresource of the
// app's Deployments.
//
// Guarantees:
//
//   - The answer stays within the policy's bounds, whatever was measured.
//   - The same [Inputs] give the same [Answer]. They are stored with each
//     decision, so that any of them can be checked later.
//   - An old or a missing measurement never scales: the app is held as it is.
//   - Nothing is scaled while a roll-out is under way.
//   - A decision that was stored is carried out and announced exactly once as
//     seen from outside, also when the process is killed in between: it stays
//     in the record as pending until both are done.
package scaler
