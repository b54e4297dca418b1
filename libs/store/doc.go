// SPDX-License-Identifier: Apache-2.0

// Package store keeps what services know in NATS: typed KV buckets for state,
// the LOGS stream for logs, object stores for files. Nothing else is kept
// anywhere, so that a service can be killed at any moment.
package store
