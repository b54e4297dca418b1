// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/events"
)

// Watch collects the events of a project as the gateway streams them.
type Watch struct {
	mu      sync.Mutex
	seen    []event.Event // guarded by mu
	changed chan struct{} // guarded by mu; closed and replaced at each event
	err     error         // guarded by mu; why the stream ended
}

// NewWatch follows the project's events from its first one until ctx ends.
func NewWatch(ctx context.Context, client *api.Client, project string) *Watch {
	w := &Watch{changed: make(chan struct{})}
	go func() {
		err := client.Tail(ctx, project, api.Query{From: 1}, func(e event.Event) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.seen = append(w.seen, e)
			close(w.changed)
			w.changed = make(chan struct{})
			return nil
		})
		w.mu.Lock()
		defer w.mu.Unlock()
		w.err = fmt.Errorf("the event stream ended: %w", err)
		close(w.changed)
		w.changed = make(chan struct{})
	}()
	return w
}

// All returns what was seen so far.
func (w *Watch) All() []event.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]event.Event(nil), w.seen...)
}

// Until returns the first event, seen or still to come, that match accepts.
func (w *Watch) Until(ctx context.Context, what string, match func(event.Event) bool) (event.Event, error) {
	for next := 0; ; {
		w.mu.Lock()
		seen, changed, ended := w.seen, w.changed, w.err
		w.mu.Unlock()
		for ; next < len(seen); next++ {
			if match(seen[next]) {
				return seen[next], nil
			}
		}
		if ended != nil {
			return event.Event{}, fmt.Errorf("wait for %s: %w", what, ended)
		}
		select {
		case <-ctx.Done():
			return event.Event{}, fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		case <-changed:
		}
	}
}

// Name is an event's short name, such as build.finished.
func Name(e event.Event) string { return events.Type(e.Type()).Name() }

// Payload decodes an event's payload.
func Payload[T events.Payload](e event.Event) (T, error) {
	var p T
	err := events.Decode(e.Data(), &p)
	return p, err
}

// Of matches events of type T whose payload test accepts; nil accepts all.
func Of[T events.Payload](test func(T) bool) func(event.Event) bool {
	return func(e event.Event) bool {
		var zero T
		if e.Type() != string(zero.EventType()) {
			return false
		}
		p, err := Payload[T](e)
		return err == nil && (test == nil || test(p))
	}
}

// Correlation is the journey that an event belongs to.
func Correlation(e event.Event) string {
	id, _ := e.Extensions()["correlationid"].(string)
	return id
}

// reason reads the reason out of whatever event carries one.
func reason(e event.Event) string {
	var doc struct {
		Subject struct {
			Content struct{ Reason, Message string }
		}
		CustomData struct{ Reason, Message string }
	}
	if json.Unmarshal(e.Data(), &doc) != nil {
		return ""
	}
	for _, s := range []string{doc.Subject.Content.Reason, doc.CustomData.Reason} {
		if s != "" {
			return s
		}
	}
	return ""
}
