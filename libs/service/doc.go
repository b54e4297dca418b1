// SPDX-License-Identifier: Apache-2.0

// Package service is the one shape of every service.
//
// A service exports a [Unit], its definition; a Config with defaults and
// Validate; and a Service with Register, which says what comes in and what
// may go out, and Run, which does its own work until the context ends.
//
// [Main] runs one unit as a process; [Run] runs any number of them in one
// process. Both connect to the same subjects under the same durable names, so
// that units may be moved between processes at any time. When a unit fails,
// the process fails and names it.
package service
