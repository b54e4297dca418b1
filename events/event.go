// SPDX-License-Identifier: Apache-2.0

package events

import "time"

// None stands in a subject or an attribute for "no project" or "no app".
const None = "_"

// A Payload is the content of one type of event.
type Payload interface {
	// EventType is the payload's wire name. It is written down, never
	// derived from the Go name.
	EventType() Type
	// SubjectID names the thing the event is about: the build's id, the app's
	// name. It is the CloudEvents subject.
	SubjectID() string
}

// Meta is what every event carries beside its payload.
type Meta struct {
	ID      string    // unique per Source
	Source  string    // URI reference of the producer, such as "/hydra/builder"
	Type    Type      // wire name
	Subject string    // id of the thing the event is about
	Time    time.Time // when it happened, UTC

	Project string // tenant; [None] for the platform itself
	App     string // application; [None] where there is none

	CorrelationID string // id of the event that began the journey
	CausationID   string // id of the event whose handling emitted this one
	TraceParent   string // W3C trace context

	Sequence uint64 // position in stream EV; 0 until stored
}

// Key orders events: those with one key are handled one after the other, in
// the order of the stream.
func (m Meta) Key() string { return m.Project + "." + m.App }

// An Event is a payload with its envelope.
type Event[T Payload] struct {
	Meta
	Data T
}
