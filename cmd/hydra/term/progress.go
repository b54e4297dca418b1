// SPDX-License-Identifier: Apache-2.0

package term

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Progress shows that something is under way: one line that is redrawn on a
// terminal, and nothing at all elsewhere. Lines printed through it scroll by
// above.
type Progress struct {
	out   io.Writer
	live  bool
	begun time.Time
	stop  chan struct{}
	done  sync.WaitGroup

	mu   sync.Mutex
	text string // guarded by mu
}

// NewProgress begins; live says that out is a terminal with escape sequences.
func NewProgress(out io.Writer, live bool, text string) *Progress {
	p := &Progress{out: out, live: live, begun: time.Now(), stop: make(chan struct{}), text: text}
	if live {
		p.done.Go(p.draw)
	}
	return p
}

// Set changes the text beside the spinner.
func (p *Progress) Set(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = text
}

// Println writes a line that stays.
func (p *Progress) Println(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
	}
	_, _ = fmt.Fprintln(p.out, line)
}

// End removes the spinner. It may be called more than once.
func (p *Progress) End() {
	p.mu.Lock()
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
	p.mu.Unlock()
	p.done.Wait()
}

func (p *Progress) draw() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	for i := 0; ; i++ {
		select {
		case <-p.stop:
			_, _ = fmt.Fprint(p.out, "\r\x1b[K")
			return
		case <-tick.C:
		}
		p.mu.Lock()
		if waited := time.Since(p.begun); p.text != "" && waited > 300*time.Millisecond {
			_, _ = fmt.Fprintf(p.out, "\r\x1b[K%c %s %s", frames[i%len(frames)], Short(p.text, 100), Duration(waited))
		}
		p.mu.Unlock()
	}
}
