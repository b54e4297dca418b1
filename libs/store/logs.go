// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	logStream   = "LOGS"
	logEnd      = "Hydra-Log-End"
	maxLogLine  = 16 << 10 // bytes; longer lines are cut
	maxLogBytes = 16 << 20 // of one log; what follows is dropped and said so
)

// A LogWriter appends to one log, a message for each line. Close ends it, so
// that followers stop. It is safe for concurrent use.
type LogWriter struct {
	ctx     context.Context
	js      jetstream.JetStream
	subject string
	redact  *strings.Replacer

	mu      sync.Mutex
	partial []byte // guarded by mu: a line without its end yet
	written int    // guarded by mu
	full    bool   // guarded by mu
}

// NewLog begins or continues the log at subject. The given secrets are
// replaced by *** wherever they occur in a line.
func NewLog(ctx context.Context, js jetstream.JetStream, subject string, secrets ...string) *LogWriter {
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s, "***")
		}
	}
	return &LogWriter{ctx: ctx, js: js, subject: subject, redact: strings.NewReplacer(pairs...)}
}

// Write appends complete lines and keeps the rest for the next call.
func (w *LogWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.partial = append(w.partial, p...)
	for {
		i := bytes.IndexByte(w.partial, '\n')
		if i < 0 && len(w.partial) < maxLogLine {
			return len(p), nil
		}
		line, rest := w.partial, []byte(nil)
		if i >= 0 {
			line, rest = w.partial[:i], w.partial[i+1:]
		}
		if err := w.line(line); err != nil {
			return 0, err
		}
		w.partial = append([]byte(nil), rest...)
	}
}

// Printf appends one line.
func (w *LogWriter) Printf(format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}

func (w *LogWriter) line(line []byte) error {
	if w.full {
		return nil
	}
	text := strings.TrimRight(w.redact.Replace(string(line)), "\r")
	if len(text) > maxLogLine {
		text = text[:maxLogLine]
	}
	if w.written += len(text) + 1; w.written > maxLogBytes {
		w.full = true
		text = fmt.Sprintf("the log is longer than %d MiB, the rest is dropped", maxLogBytes>>20)
	}
	if _, err := w.js.PublishAsync(w.subject, []byte(text)); err != nil {
		return fmt.Errorf("append to log %s: %w", w.subject, err)
	}
	return nil
}

// Close writes what is left and marks the end. It returns when all is stored.
func (w *LogWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.partial) > 0 {
		if err := w.line(w.partial); err != nil {
			return err
		}
		w.partial = nil
	}
	end := nats.NewMsg(w.subject)
	end.Header.Set(logEnd, "1")
	if _, err := w.js.PublishMsgAsync(end); err != nil {
		return fmt.Errorf("end log %s: %w", w.subject, err)
	}
	select {
	case <-w.js.PublishAsyncComplete():
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("end log %s: JetStream did not confirm all lines within 10 s", w.subject)
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

// LogLine is one line of a log.
type LogLine struct {
	Time time.Time `json:"time"`
	Text string    `json:"text"`
}

// ReadLog calls f with each line of the log at subject. With follow it waits
// for more until the log is closed or ctx ends.
func ReadLog(ctx context.Context, js jetstream.JetStream, subject string, follow bool, f func(LogLine) error) error {
	consumer, err := js.OrderedConsumer(ctx, logStream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		return fmt.Errorf("read log %s: %w", subject, err)
	}
	// The server would keep an unused consumer for five minutes more.
	defer func() {
		if info := consumer.CachedInfo(); info != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			_ = js.DeleteConsumer(ctx, logStream, info.Name)
		}
	}()
	if !follow && consumer.CachedInfo().NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("read log %s: %w", subject, err)
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	for {
		msg, err := messages.Next()
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("read log %s: %w", subject, err)
		}
		md, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read log %s: %w", subject, err)
		}
		// A log that was ended and begun again, by a retry, has more than
		// one end: only the last one stops a reader.
		ended := msg.Headers().Get(logEnd) != ""
		if !ended {
			if err := f(LogLine{Time: md.Timestamp.UTC(), Text: string(msg.Data())}); err != nil {
				return err
			}
		}
		if md.NumPending == 0 && (ended || !follow) {
			return nil
		}
	}
}
