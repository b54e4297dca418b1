// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/hydra-platform/hydra/libs/clock"
)

// Options of a [Bus]. Unit is required, the rest have defaults.
type Options struct {
	Unit     string // name of the service; also its durable consumer
	Log      zerolog.Logger
	Metrics  prometheus.Registerer // default: none
	Tracer   trace.TracerProvider  // default: none
	Clock    clock.Clock           // default: the system's
	Replicas int                   // of streams; default 1

	Parallel    int           // keys handled at once; default 16
	AckWait     time.Duration // after which a silent delivery is given to another; default 10 s
	MaxAttempts int           // before an event is dead-lettered; default 10
	Backoff     []time.Duration
	Drain       time.Duration // for handlers at stop; default 20 s
}

// defaultBackoff is the wait before the second and each further attempt; the
// last repeats. Ten attempts take 14 minutes: longer than a node's restart.
var defaultBackoff = []time.Duration{
	500 * time.Millisecond, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute,
}

// Bus is a unit's access to events. It is safe for concurrent use.
type Bus struct {
	Options
	unit    string
	source  string
	js      jetstream.JetStream
	clock   clock.Clock
	metrics *metrics
	tracer  trace.Tracer
}

// New opens the bus over a connection and makes sure that the streams exist.
// Closing the connection is the caller's.
func New(ctx context.Context, nc *nats.Conn, opts Options) (*Bus, error) {
	if opts.Clock == nil {
		opts.Clock = clock.System{}
	}
	if opts.Replicas == 0 {
		opts.Replicas = 1
	}
	if opts.Parallel == 0 {
		opts.Parallel = 16
	}
	if opts.AckWait == 0 {
		opts.AckWait = 10 * time.Second
	}
	if opts.MaxAttempts == 0 {
		opts.MaxAttempts = 10
	}
	if opts.Backoff == nil {
		opts.Backoff = defaultBackoff
	}
	if opts.Drain == 0 {
		opts.Drain = 20 * time.Second
	}
	if opts.Tracer == nil {
		opts.Tracer = noop.NewTracerProvider()
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	if err := Ensure(ctx, js, opts.Replicas); err != nil {
		return nil, err
	}
	m, err := newMetrics(opts.Metrics)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return &Bus{
		Options: opts, unit: opts.Unit, source: "/hydra/" + opts.Unit, js: js, clock: opts.Clock,
		metrics: m, tracer: opts.Tracer.Tracer("github.com/hydra-platform/hydra/libs/bus"),
	}, nil
}

// JetStream gives access to the streams themselves, for reading.
func (b *Bus) JetStream() jetstream.JetStream { return b.js }
