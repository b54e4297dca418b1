// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// progress shows one line that is redrawn on a terminal, and a line now and
// then everywhere else.
type progress struct {
	out      io.Writer
	terminal bool

	mu    sync.Mutex
	name  string // guarded by mu, like all below
	total int
	count int
	last  string
	start time.Time
	shown time.Time
	drawn bool
}

// plainEvery is the time between two lines where there is no terminal.
const plainEvery = 20 * time.Second

func newProgress(out *os.File) *progress {
	info, err := out.Stat()
	return &progress{out: out, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""}
}

func (p *progress) begin(name, why string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.name, p.total, p.count, p.last, p.start, p.shown = name, total, 0, "", time.Now(), time.Now()
	if total > 0 {
		p.clear()
		fmt.Fprintf(p.out, "%-12s %s: %d packages to compile\n", name, why, total)
	}
}

func (p *progress) step(pkg string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	p.last = pkg
	p.draw()
}

func (p *progress) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = text
	p.draw()
}

func (p *progress) draw() {
	now := time.Now()
	every := plainEvery
	if p.terminal {
		every = 100 * time.Millisecond
	}
	if now.Sub(p.shown) < every {
		return
	}
	p.shown = now
	line := fmt.Sprintf("%-12s %s %4d/%d  %s  %s", p.name, p.bar(), p.count, p.total, p.left(now), p.last)
	if !p.terminal {
		fmt.Fprintln(p.out, line)
		return
	}
	p.clear()
	if len(line) > 110 {
		line = line[:110]
	}
	fmt.Fprint(p.out, line)
	p.drawn = true
}

func (p *progress) bar() string {
	const width = 20
	filled := 0
	if p.total > 0 {
		filled = min(width, p.count*width/p.total)
	}
	return "[" + strings.Repeat("=", filled) + strings.Repeat(" ", width-filled) + "]"
}

// left guesses the remaining time from the pace so far.
func (p *progress) left(now time.Time) string {
	elapsed := now.Sub(p.start)
	if p.count < 5 || p.total <= p.count || elapsed < 2*time.Second {
		return "         "
	}
	rest := time.Duration(float64(elapsed) * float64(p.total-p.count) / float64(p.count))
	return fmt.Sprintf("%9s", rest.Round(time.Second).String()+" left")
}

func (p *progress) done(name string, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.out, "%-12s ready after %s (%d packages, %d MB)\n", name, time.Since(p.start).Round(100*time.Millisecond), p.count, size>>20)
}

func (p *progress) printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.out, format, args...)
}

func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// compiled is how many packages of the present target were compiled.
func (p *progress) compiled() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}
