// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hydra-platform/hydra/test/journey"
)

// screen shows steps: on a terminal the running one is redrawn with its time,
// everywhere else a step is one line when it ends.
type screen struct {
	out      *os.File
	terminal bool

	mu    sync.Mutex
	step  string // guarded by mu; empty between steps
	begin time.Time
	stop  chan struct{}
}

func newScreen(out *os.File) *screen {
	info, err := out.Stat()
	s := &screen{out: out, stop: make(chan struct{})}
	s.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
	if s.terminal {
		go s.spin()
	}
	return s
}

func (s *screen) spin() {
	tick := time.NewTicker(120 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			s.mu.Lock()
			if s.step != "" {
				fmt.Fprintf(s.out, "\r\x1b[K%c %s  %.1fs", []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")[i%10], s.step, time.Since(s.begin).Seconds())
			}
			s.mu.Unlock()
		}
	}
}

func (s *screen) tell(l journey.Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !l.Done {
		s.step, s.begin = l.Step, time.Now()
		return
	}
	s.step = ""
	mark, result := s.paint("32", "✓"), l.Result
	if l.Err != nil {
		mark, result = s.paint("31", "✗"), l.Err.Error()
	}
	if s.terminal {
		fmt.Fprint(s.out, "\r\x1b[K")
	}
	fmt.Fprintf(s.out, "%s %-46s %6.1fs  %s\n", mark, l.Step, l.Took.Seconds(), result)
}

func (s *screen) paint(code, text string) string {
	if !s.terminal {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s *screen) end() { close(s.stop) }
