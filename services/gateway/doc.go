// SPDX-License-Identifier: Apache-2.0

// Package gateway is the only door of the platform: webhooks and CloudEvents
// come in, REST answers are read from the stream and the KV buckets, live
// events and logs go out, and the web page is served from here.
//
// Guarantees:
//
//   - Every write becomes an event before anything else happens. The gateway
//     itself handles the events about projects, webhooks and tokens, the
//     other services handle theirs.
//   - A webhook is answered with 202 only when its body and its events are in
//     JetStream. A delivery that arrives again is answered with 200 and
//     publishes nothing new.
//   - A token sees and writes its own projects, whatever the route. What a
//     producer publishes cannot pass for an event of Hydra itself.
//   - Every error is an RFC 9457 problem that names the thing, the cause and,
//     where there is one, the next step.
//   - A stream ends when its client goes away or the service stops, and
//     leaves no goroutine behind.
//
// Nothing is kept in memory but open connections, so any number of gateways
// may run side by side.
package gateway
