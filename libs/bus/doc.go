// SPDX-License-Identifier: Apache-2.0

// Package bus carries events between services over NATS JetStream.
//
// A service declares what it consumes and what it may emit in one place:
//
//	bus.On(r, s.onChangeMerged, events.BuildQueued{}, events.BuildFinished{})
//
// Guarantees to a handler:
//
//   - Every stored event of the declared type is delivered at least once, to
//     one replica of the unit.
//   - Events with one key (project and app) are handled one after the other in
//     stream order; different keys run in parallel. A failing event holds the
//     key, so that order survives a retry.
//   - While a handler works or waits its delivery is kept alive.
//   - What it emits gets an id derived from the cause, the unit, the type and
//     the position, so that a second delivery emits nothing twice.
//   - causationid, correlationid and traceparent are carried on.
//
// The outcome is the return value: nil acknowledges, an error retries with
// back-off, [After] retries later without being counted, [Permanent]
// dead-letters. An event that cannot be decoded is dead-lettered. Emitting an
// event that was not declared is an error.
//
// When the context of [Bus.Run] ends no new delivery is begun, running
// handlers get until the drain time limit, and what is unfinished goes back
// to the stream.
package bus
