// SPDX-License-Identifier: Apache-2.0

// Package doctor looks for what is missing before anything is started, and
// says for each thing how to get it.
package doctor
