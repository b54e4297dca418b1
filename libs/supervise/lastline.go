// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"bytes"
	"io"
	"sync"
)

// lastLineLimit is how much of a process's last line is kept, in bytes.
const lastLineLimit = 400

// lastLine passes a process's output on and remembers its last line.
type lastLine struct {
	to   io.Writer
	mu   sync.Mutex
	line []byte
}

func (l *lastLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := bytes.TrimRight(p, "\r\n\t ")
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	if len(text) > 0 {
		l.line = append(l.line[:0], text[:min(len(text), lastLineLimit)]...)
	}
	return l.to.Write(p)
}

func (l *lastLine) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.line)
}
