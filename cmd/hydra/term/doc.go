// SPDX-License-Identifier: Apache-2.0

// Package term writes what people read: aligned tables, colours, progress and
// durations. On anything but a terminal, and with NO_COLOR set, it writes plain
// text without escape sequences.
package term
