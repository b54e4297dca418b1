// SPDX-License-Identifier: Apache-2.0

// Package plan says what has to be done in AWS so that a cluster is as its
// spec says. [Make] is pure: it reads nothing but its arguments, and the same
// arguments give the same bytes. What is in AWS comes in as [Observed].
//
// Every resource has a key, such as subnet/public/us-east-1a, that it carries
// as a tag in AWS; that is how it is found again. The plan is a graph: After
// names the keys that must be there first.
package plan
