// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hydra-platform/hydra/events"
)

// Query selects events of the history. The zero value is everything.
type Query struct {
	Project     string   // "" for all
	App         string   // "" for all
	Types       []string // short names such as "build.finished"; empty for all
	Correlation string   // one journey
	FromSeq     uint64   // first sequence; 0 for the beginning
	Since       time.Time
	Until       time.Time
	Limit       int // 0 for no limit
}

// Stored is an event as the stream holds it.
type Stored struct {
	events.Meta
	StoredAt time.Time
	Event    event.Event
}

var errStop = errors.New("stop")

// History calls f with every stored event that matches, in the order of the
// stream, and returns at the end of what was there when it began. f may
// return [Stop] to end early.
func (b *Bus) History(ctx context.Context, q Query, f func(Stored) error) error {
	return b.read(ctx, q, false, f)
}

// Tail is History that goes on with what is stored later, until ctx ends.
func (b *Bus) Tail(ctx context.Context, q Query, f func(Stored) error) error {
	return b.read(ctx, q, true, f)
}

// Stop ends a History or Tail without an error.
func Stop() error { return errStop }

func (b *Bus) read(ctx context.Context, q Query, follow bool, f func(Stored) error) error {
	stream, err := b.js.Stream(ctx, StreamEvents)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", StreamEvents, err)
	}
	last := stream.CachedInfo().State.LastSeq
	if !follow && (last == 0 || q.FromSeq > last) {
		return nil
	}
	consumer, err := b.js.OrderedConsumer(ctx, StreamEvents, q.consumer())
	if err != nil {
		return fmt.Errorf("read stream %s: %w", StreamEvents, err)
	}
	defer b.forget(ctx, consumer)
	pending := consumer.CachedInfo().NumPending
	if !follow && pending == 0 {
		return nil
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("read stream %s: %w", StreamEvents, err)
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	for found := 0; ; {
		msg, err := messages.Next()
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", StreamEvents, err)
		}
		md, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read stream %s: %w", StreamEvents, err)
		}
		if s, ok := b.stored(ctx, msg, md); ok && q.matches(s) {
			if err := f(s); errors.Is(err, errStop) {
				return nil
			} else if err != nil {
				return err
			}
			if found++; q.Limit > 0 && found >= q.Limit {
				return nil
			}
		}
		if !follow && (md.NumPending == 0 || md.Sequence.Stream >= last) {
			return nil
		}
	}
}

// forget deletes a reader's consumer from the server, which would keep it for
// five minutes more: a page that asks every second would leave hundreds.
func (b *Bus) forget(ctx context.Context, consumer jetstream.Consumer) {
	info := consumer.CachedInfo()
	if info == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = b.js.DeleteConsumer(ctx, StreamEvents, info.Name) // the server ends what is left
}

// stored decodes a message; what is no CloudEvent is left out, as a handler
// would have dead-lettered it.
func (b *Bus) stored(ctx context.Context, msg jetstream.Msg, md *jetstream.MsgMetadata) (Stored, bool) {
	ev, err := FromMessage(msg.Headers(), msg.Data())
	if err == nil {
		err = b.claimOut(ctx, &ev)
	}
	if err != nil {
		b.Log.Debug().Err(err).Uint64("sequence", md.Sequence.Stream).Msg("message is no CloudEvent")
		return Stored{}, false
	}
	s := Stored{Meta: toMeta(ev), StoredAt: md.Timestamp.UTC(), Event: ev}
	s.Sequence = md.Sequence.Stream
	return s, true
}

func (q Query) consumer() jetstream.OrderedConsumerConfig {
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: q.filters()}
	switch {
	case q.FromSeq > 0:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, q.FromSeq
	case !q.Since.IsZero():
		since := q.Since
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &since
	}
	return cfg
}

func (q Query) filters() []string {
	star := func(s string) string {
		if s == "" {
			return "*"
		}
		return s
	}
	// More than a few filters cost the server a scan each; then the types
	// are matched here.
	if len(q.Types) == 0 || len(q.Types) > 4 {
		return []string{fmt.Sprintf("ev.%s.*.*.%s", star(q.Project), star(q.App))}
	}
	var out []string
	for _, t := range q.Types {
		out = append(out, fmt.Sprintf("ev.%s.%s.%s", star(q.Project), t, star(q.App)))
	}
	return out
}

func (q Query) matches(s Stored) bool {
	return q.matchesType(foreignSubject(s.Meta)) &&
		(q.Correlation == "" || s.CorrelationID == q.Correlation) &&
		(q.Since.IsZero() || !s.StoredAt.Before(q.Since)) &&
		(q.Until.IsZero() || s.StoredAt.Before(q.Until))
}

// matchesType compares the third and fourth word of a subject with the short
// names that are asked for, in which * stands for any word.
func (q Query) matchesType(subject string) bool {
	words := strings.Split(subject, ".")
	name := words[2] + "." + words[3]
	return len(q.Types) == 0 || slices.ContainsFunc(q.Types, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}
