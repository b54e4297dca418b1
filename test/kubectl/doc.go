// SPDX-License-Identifier: Apache-2.0

// Package kubectl pins the kubectl that the benchmark compares Hydra with.
package kubectl
