// SPDX-License-Identifier: Apache-2.0

// Package kubewatch follows the objects that decide where a request goes and
// writes back what became of them. It holds caches of five kinds and nothing
// more: no clientset of the whole API, which would cost the entry a third of
// its memory.
package kubewatch
