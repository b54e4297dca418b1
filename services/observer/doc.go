// SPDX-License-Identifier: Apache-2.0

// Package observer sees how apps are, and says so.
//
//   - It watches the pods and Deployments of apps and turns what is wrong with
//     them into incidents, with the reason that a person needs ([Judge]).
//   - It measures each app's requests, errors, latency, CPU and memory in
//     Prometheus and keeps the newest numbers in the store.
//   - It rolls out the small telemetry set that those numbers come from, and
//     believes that it works only when a value that was pushed in at one end
//     was read back at the other.
//
// Guarantees: an incident is told once and ends once, whatever is restarted in
// between; a pod that is merely starting is none; only pods of namespaces
// that belong to a project are looked at, and the namespace, not a label that
// a tenant may write, says which project it is. The watch holds nothing but
// the pods and Deployments with the label of an app, without what nobody reads.
package observer
