// SPDX-License-Identifier: Apache-2.0

// Package provisioner says what a cluster on plain EC2 would take.
//
// A request carries the cluster's spec. The provisioner reads it, looks up
// what the AWS account has under this cluster's tags, and writes the plan, a
// pure function of the two, to the KV bucket clusters. Nothing in AWS is
// changed by planning.
//
// Guarantees:
//
//   - The same spec and the same findings give the same plan, byte for byte;
//     SpecHash and SeenHash name them.
//   - A plan that cannot be made is a plan in phase failed with the field, the
//     permission or the credentials that are missing and the next step.
//   - A request that is delivered twice makes one plan.
package provisioner
