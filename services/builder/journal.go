// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/builder/buildkit"
)

// Bounds of a build's log. What breaks a build is at its end, so a log that is
// too long loses its middle.
const (
	journalHead = 8 << 20 // bytes
	journalTail = 2 << 20
)

// A journal is the log of one build, live in stream LOGS.
type journal struct {
	ctx context.Context
	js  jetstream.JetStream
	log *store.LogWriter

	mu      sync.Mutex
	written int      // guarded by mu
	tail    []string // guarded by mu: what came after the head
	size    int      // guarded by mu: of tail
	left    int      // guarded by mu: lines that fell out of tail
}

func newJournal(ctx context.Context, js jetstream.JetStream, subject string, hidden []string) *journal {
	return &journal{ctx: ctx, js: js, log: store.NewLog(context.WithoutCancel(ctx), js, subject, hidden...)}
}

// Printf appends a line about the build.
func (j *journal) Printf(format string, args ...any) { j.append(fmt.Sprintf(format, args...)) }

// Line appends a line of a step.
func (j *journal) Line(l buildkit.Line) { j.append(l.String()) }

func (j *journal) append(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.written += len(line) + 1; j.written <= journalHead {
		j.write(line)
		return
	}
	j.tail, j.size = append(j.tail, line), j.size+len(line)+1
	for j.size > journalTail {
		j.size -= len(j.tail[0]) + 1
		j.tail, j.left = j.tail[1:], j.left+1
	}
}

// write waits for the stream where a build prints faster than it takes lines.
// A line that cannot be written at all does not break the build.
func (j *journal) write(line string) {
	for range 3 {
		if _, err := j.log.Write([]byte(line + "\n")); err == nil {
			return
		}
		select {
		case <-j.js.PublishAsyncComplete():
		case <-time.After(2 * time.Second):
		case <-j.ctx.Done():
			return
		}
	}
}

// Flush writes the tail.
func (j *journal) Flush() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.left > 0 {
		j.write(fmt.Sprintf("… %d lines left out: the log is longer than %d MiB …", j.left, (journalHead+journalTail)>>20))
	}
	for _, line := range j.tail {
		j.write(line)
	}
	j.tail, j.size, j.left = nil, 0, 0
}

// Close writes the tail and ends the log.
func (j *journal) Close() error {
	j.Flush()
	return j.log.Close()
}
