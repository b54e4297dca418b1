// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/hydra-platform/hydra/events"
)

// Run delivers events to the router's handlers until ctx ends, then drains.
// It returns nil after an orderly stop.
func (b *Bus) Run(ctx context.Context, r *Router) error {
	if err := r.Err(); err != nil {
		return err
	}
	filters := r.filters()
	if len(filters) == 0 {
		<-ctx.Done()
		return nil
	}
	consumer, err := b.js.CreateOrUpdateConsumer(ctx, StreamEvents, jetstream.ConsumerConfig{
		Durable:        b.unit,
		Description:    "events that the unit handles",
		FilterSubjects: filters,
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        b.AckWait,
		MaxDeliver:     -1, // this package counts attempts and dead-letters itself
		MaxAckPending:  b.Parallel * 16,
	})
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create consumer %s: %w", b.unit, err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(b.Parallel*4), jetstream.PullHeartbeat(5*time.Second))
	if err != nil {
		return fmt.Errorf("consume %s: %w", b.unit, err)
	}
	// Handlers outlive ctx by the drain time, so that a build or a roll-out
	// is not cut off where it could still end well.
	work, cancelWork := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelWork()
	lanes := newLanes(b.Parallel)

	stopped := context.AfterFunc(ctx, messages.Stop)
	defer stopped()
	for {
		msg, err := messages.Next()
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			break
		}
		if err != nil {
			// Lost heartbeats and reconnections: the iterator asks again.
			b.Log.Debug().Err(err).Str("unit", b.unit).Msg("waiting for the stream")
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
			continue
		}
		d := b.newDelivery(ctx, msg, r)
		b.metrics.inFlight.WithLabelValues(b.unit).Inc()
		lanes.add(d.meta.Key(), func() {
			defer b.metrics.inFlight.WithLabelValues(b.unit).Dec()
			defer d.stopHeartbeat()
			d.handle(ctx, work)
		})
	}
	drained := make(chan struct{})
	go func() { lanes.wait(); close(drained) }()
	select {
	case <-drained:
	case <-time.After(b.Drain):
		b.Log.Warn().Str("unit", b.unit).Dur("drain", b.Drain).Msg("handlers did not end in time, their events go back to the stream")
		cancelWork()
		<-drained
	}
	return nil
}

// delivery is one event on its way through a handler.
type delivery struct {
	bus   *Bus
	msg   jetstream.Msg
	meta  events.Meta
	data  []byte
	route Route
	err   error // why it cannot be handled at all

	stopHeartbeat func()
}

func (b *Bus) newDelivery(ctx context.Context, msg jetstream.Msg, r *Router) *delivery {
	d := &delivery{bus: b, msg: msg}
	d.stopHeartbeat = b.heartbeat(msg)
	ev, err := FromMessage(msg.Headers(), msg.Data())
	if err != nil {
		d.err = err
		return d
	}
	d.meta = toMeta(ev)
	if md, err := msg.Metadata(); err == nil {
		d.meta.Sequence = md.Sequence.Stream
	}
	if d.meta.CorrelationID == "" {
		d.meta.CorrelationID = d.meta.ID
	}
	var known bool
	if d.route, known = r.route(d.meta.Type); !known {
		d.err = fmt.Errorf("event of type %s on subject %s: the unit has no handler for this version of it", d.meta.Type, msg.Subject())
		return d
	}
	if d.err = b.claimOut(ctx, &ev); d.err == nil {
		d.data = ev.Data()
	}
	return d
}

// heartbeat keeps a delivery from being given to another replica while it
// waits for its turn or is worked on.
func (b *Bus) heartbeat(msg jetstream.Msg) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(b.AckWait / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				_ = msg.InProgress() // a lost one is made up for by the next
			}
		}
	}()
	return sync.OnceFunc(func() { close(done) })
}

// handle tries until the event is done, given up, or stop ends; work is the
// handlers' own context.
func (d *delivery) handle(stop, work context.Context) {
	b := d.bus
	log := b.Log.With().Str("unit", b.unit).Str("event", d.meta.Type.Name()).Str("cause", d.meta.ID).
		Str("project", d.meta.Project).Str("app", d.meta.App).Logger()
	attempts := d.crashes()
	for {
		if stop.Err() != nil {
			d.settle("interrupted", d.msg.Nak)
			return
		}
		err := d.attempt(work, log)
		var after afterError
		switch {
		case err == nil:
			d.settle("ack", d.msg.Ack)
			return
		case work.Err() != nil:
			d.settle("interrupted", d.msg.Nak)
			return
		case errors.As(err, &after):
			b.count(d, "after")
			log.Debug().Err(err).Msg("not yet")
			d.pause(stop, after.delay)
		default:
			attempts++
			if IsPermanent(err) || attempts >= b.MaxAttempts {
				if dead := b.deadLetter(work, d, attempts, err); dead != nil {
					log.Error().Err(dead).Msg("dead letter not stored, trying again")
					d.pause(stop, b.Backoff[0])
					continue
				}
				log.Error().Err(err).Int("attempt", attempts).Msg("event dead-lettered")
				d.settle("deadletter", func() error { return d.msg.TermWithReason(reason(err)) })
				return
			}
			b.count(d, "retry")
			wait := b.Backoff[min(attempts-1, len(b.Backoff)-1)]
			log.Warn().Err(err).Int("attempt", attempts).Dur("retry", wait).Msg("handler failed")
			d.pause(stop, wait)
		}
	}
}

// crashes is how often this event was delivered before without an outcome.
func (d *delivery) crashes() int {
	md, err := d.msg.Metadata()
	if err != nil || md.NumDelivered == 0 {
		return 0
	}
	// Stops and crashes alike: half of the attempts are kept for real errors.
	return min(int(md.NumDelivered)-1, d.bus.MaxAttempts/2)
}

// attempt runs the handler once; a panic is an error with its stack in the log.
func (d *delivery) attempt(ctx context.Context, log zerolog.Logger) (err error) {
	if d.err != nil {
		return Permanent(d.err)
	}
	b := d.bus
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": d.meta.TraceParent})
	ctx, span := b.tracer.Start(ctx, b.unit+" "+d.meta.Type.Name(), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("messaging.system", "nats"),
		attribute.String("messaging.message.id", d.meta.ID),
		attribute.String("hydra.project", d.meta.Project),
		attribute.String("hydra.app", d.meta.App),
	))
	defer span.End()
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler of %s panicked: %v", d.meta.Type.Name(), p)
			log.Error().Bytes("stack", debug.Stack()).Msg("handler panicked")
		}
		b.metrics.seconds.WithLabelValues(b.unit, d.meta.Type.Name()).Observe(time.Since(start).Seconds())
		if err != nil {
			span.RecordError(err)
		}
	}()
	ctx = withCause(log.WithContext(ctx), &cause{meta: d.meta, route: d.route, count: map[string]int{}})
	return d.route.handle(ctx, d.meta, d.data)
}

func (d *delivery) pause(stop context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-stop.Done():
	case <-timer.C:
	}
}

func (d *delivery) settle(outcome string, ack func() error) {
	d.stopHeartbeat()
	d.bus.count(d, outcome)
	if err := ack(); err != nil {
		// The stream delivers it again; the handler is level-triggered.
		d.bus.Log.Warn().Err(err).Str("unit", d.bus.unit).Str("cause", d.meta.ID).Msg("outcome did not reach the stream")
	}
}

func (b *Bus) count(d *delivery, outcome string) {
	name := d.meta.Type.Name()
	if d.err != nil {
		name = "unknown" // a foreign type must not become a label
	}
	b.metrics.delivered.WithLabelValues(b.unit, name, outcome).Inc()
}
