// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/hydra-platform/hydra/events"
)

// claimCheckAbove is the size of data, in bytes, above which it travels
// through the object store: intermediaries need only forward events of up to
// 64 KiB (CloudEvents 1.0, "Size Limits").
const claimCheckAbove = 64 << 10

// An EmitOption changes one emission.
type EmitOption func(*emission)

type emission struct {
	meta events.Meta
	key  string
}

// For sets project and app; without it they are those of the cause.
func For(project, app string) EmitOption {
	return func(e *emission) { e.meta.Project, e.meta.App = project, app }
}

// Key gives an event emitted outside a handler an id of its own that stays
// the same when the emission is repeated.
func Key(key string) EmitOption { return func(e *emission) { e.key = key } }

// ID is the id that p gets when it is emitted outside a handler with that
// [Key], for whoever waits for what follows from it.
func (b *Bus) ID(p events.Payload, key string) string {
	return hash(b.source, string(p.EventType()), key)
}

// Correlate makes the event part of the journey that began with id. Inside a
// handler the journey of the cause is kept without it.
func Correlate(id string) EmitOption { return func(e *emission) { e.meta.CorrelationID = id } }

// cause is what a handler's context knows of its delivery.
type cause struct {
	meta  events.Meta
	route Route

	mu    sync.Mutex
	count map[string]int // emissions so far by type and subject
}

type causeKey struct{}

func withCause(ctx context.Context, c *cause) context.Context {
	return context.WithValue(ctx, causeKey{}, c)
}

// Cause returns the envelope of the event that ctx handles.
func Cause(ctx context.Context) (events.Meta, bool) {
	c, ok := ctx.Value(causeKey{}).(*cause)
	if !ok {
		return events.Meta{}, false
	}
	return c.meta, true
}

// position counts emissions of one type and subject, so that a handler which
// takes another path at its second delivery still gives each the same id.
func (c *cause) position(t events.Type, subject string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := string(t) + "\x00" + subject
	c.count[key]++
	return c.count[key]
}

// Emit stores an event and returns when JetStream has it. An error means that
// it may not be stored; emitting it again is safe.
func (b *Bus) Emit(ctx context.Context, p events.Payload, opts ...EmitOption) error {
	e := emission{meta: events.Meta{Source: b.source, Type: p.EventType(), Subject: p.SubjectID(), Time: b.clock.Now()}}
	c, inHandler := ctx.Value(causeKey{}).(*cause)
	if inHandler {
		if !slices.Contains(c.route.Out, e.meta.Type) {
			return Permanent(fmt.Errorf("unit %s emits %s while handling %s without declaring it; add it to bus.On in Register", b.unit, e.meta.Type, c.route.In))
		}
		e.meta.Project, e.meta.App = c.meta.Project, c.meta.App
		e.meta.CausationID, e.meta.CorrelationID = c.meta.ID, c.meta.CorrelationID
	}
	for _, opt := range opts {
		opt(&e)
	}
	switch {
	case e.key != "":
		e.meta.ID = b.ID(p, e.key)
	case inHandler:
		e.meta.ID = hash(c.meta.Source, c.meta.ID, b.unit, string(e.meta.Type), e.meta.Subject, fmt.Sprint(c.position(e.meta.Type, e.meta.Subject)))
	default:
		e.meta.ID = rand.Text()
	}
	e.meta.Project, e.meta.App = orNone(e.meta.Project), orNone(e.meta.App)
	if e.meta.CorrelationID == "" {
		e.meta.CorrelationID = e.meta.ID
	}
	// A journey that begins here begins its trace here as well.
	ctx, span := b.tracer.Start(ctx, "emit "+e.meta.Type.Name(), trace.WithSpanKind(trace.SpanKindProducer))
	defer span.End()
	e.meta.TraceParent = traceParent(ctx)

	data, err := events.Encode(e.meta, p)
	if err != nil {
		return Permanent(err)
	}
	ev, err := toCloudEvent(e.meta, data)
	if err != nil {
		return Permanent(fmt.Errorf("emit %s: %w", e.meta.Type, err))
	}
	if _, _, err := b.store(ctx, e.meta.NATSSubject(), ev); err != nil {
		return fmt.Errorf("emit %s: %w", e.meta.Type, err)
	}
	b.metrics.emitted.WithLabelValues(b.unit, e.meta.Type.Name()).Inc()
	return nil
}

// Publish stores a CloudEvent that somebody else made, under project and app.
// It returns the sequence in stream EV and whether it was there already.
func (b *Bus) Publish(ctx context.Context, project, app string, ev event.Event) (sequence uint64, duplicate bool, err error) {
	if err := ev.Validate(); err != nil {
		return 0, false, Permanent(fmt.Errorf("publish: %w", err))
	}
	ev = ev.Clone()
	ev.SetExtension(extProject, orNone(project))
	ev.SetExtension(extApp, orNone(app))
	meta := toMeta(ev)
	ev.SetExtension(extKey, meta.Key())
	if meta.CorrelationID == "" {
		ev.SetExtension(extCorrelation, meta.ID)
	}
	return b.store(ctx, foreignSubject(meta), ev)
}

// foreignSubject files an event whose type is not a CDEvent under
// ev.<project>.external.<last word of the type>.<app>.
func foreignSubject(meta events.Meta) string {
	if meta.Type.Noun() != "" {
		return meta.NATSSubject()
	}
	words := strings.FieldsFunc(strings.ToLower(string(meta.Type)), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	})
	verb := "event"
	if len(words) > 0 {
		verb = words[len(words)-1]
	}
	return strings.Join([]string{events.SubjectPrefix, meta.Project, "external", verb, meta.App}, ".")
}

// store publishes with the message id that makes a repetition harmless.
func (b *Bus) store(ctx context.Context, subject string, ev event.Event) (uint64, bool, error) {
	if len(ev.Data()) > claimCheckAbove {
		if err := b.claimIn(ctx, &ev); err != nil {
			return 0, false, err
		}
	}
	// The project is part of the id: a tenant must not be able to make
	// another's event a duplicate by taking its source and id.
	project, _ := ev.Extensions()[extProject].(string)
	ack, err := b.js.PublishMsg(ctx, toMessage(subject, ev), jetstream.WithMsgID(hash(project, ev.Source(), ev.ID())))
	if err != nil {
		return 0, false, fmt.Errorf("store on %s: %w", subject, err)
	}
	return ack.Sequence, ack.Duplicate, nil
}

func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:22]
}

func traceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}
