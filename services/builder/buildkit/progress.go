// SPDX-License-Identifier: Apache-2.0

package buildkit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// Line is one line of a build's log.
type Line struct {
	Step   int    // number, in the order in which steps showed up
	Output bool   // printed by the step itself rather than about it
	Text   string // without its end
}

// String is the line as a log shows it.
func (l Line) String() string { return fmt.Sprintf("#%d %s", l.Step, l.Text) }

const (
	maxPartial = 64 << 10 // bytes of a line without an end
	maxTail    = 20       // lines of a step kept to explain its failure
)

// progress turns the daemon's updates into lines.
type progress struct {
	line  func(Line)
	steps map[digest.Digest]*step
	order []*step
}

type step struct {
	number  int
	name    string
	started bool
	done    bool
	cached  bool
	err     string
	partial map[int][]byte // by stream: a line without its end yet
	tail    []string       // last lines of output
}

func newProgress(line func(Line)) *progress {
	if line == nil {
		line = func(Line) {}
	}
	return &progress{line: line, steps: map[digest.Digest]*step{}}
}

func (p *progress) update(u *client.SolveStatus) {
	for _, v := range u.Vertexes {
		p.vertex(v)
	}
	for _, l := range u.Logs {
		p.output(l)
	}
	for _, w := range u.Warnings {
		if s := p.steps[w.Vertex]; s != nil {
			p.line(Line{Step: s.number, Text: "WARNING " + string(w.Short)})
		}
	}
	for _, v := range u.Vertexes { // ends come after the last of the output
		p.end(v)
	}
}

func (p *progress) vertex(v *client.Vertex) {
	s := p.steps[v.Digest]
	if s == nil {
		s = &step{name: v.Name, partial: map[int][]byte{}}
		p.steps[v.Digest] = s
	}
	if (v.Started != nil || v.Cached || v.Error != "") && !s.started {
		s.started = true
		p.order = append(p.order, s)
		s.number = len(p.order)
		if s.visible() {
			p.line(Line{Step: s.number, Text: v.Name})
		}
	}
}

// visible leaves out what the daemon does for itself.
func (s *step) visible() bool { return !strings.HasPrefix(s.name, "[internal]") || s.err != "" }

// counts reports whether the step is one of the Dockerfile's.
func (s *step) counts() bool {
	return strings.HasPrefix(s.name, "[") && !strings.HasPrefix(s.name, "[internal]") && !strings.HasPrefix(s.name, "[auth]") && !strings.Contains(s.name, "] FROM ")
}

func (p *progress) end(v *client.Vertex) {
	s := p.steps[v.Digest]
	if v.Completed == nil || s.done || !s.started {
		return
	}
	s.done, s.cached, s.err = true, v.Cached, v.Error
	p.flushStep(s)
	switch {
	case v.Error != "":
		p.line(Line{Step: s.number, Text: "ERROR " + v.Error})
	case !s.visible():
	case v.Cached:
		p.line(Line{Step: s.number, Text: "CACHED"})
	case v.Started != nil:
		p.line(Line{Step: s.number, Text: fmt.Sprintf("DONE %.1fs", v.Completed.Sub(*v.Started).Seconds())})
	}
}

func (p *progress) output(l *client.VertexLog) {
	s := p.steps[l.Vertex]
	if s == nil {
		return
	}
	data := append(s.partial[l.Stream], l.Data...)
	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 && len(data) < maxPartial {
			break
		}
		line, rest := data, []byte(nil)
		if i >= 0 {
			line, rest = data[:i], data[i+1:]
		}
		p.print(s, line)
		data = rest
	}
	s.partial[l.Stream] = slices.Clone(data)
}

// print takes a line as a terminal would show it: what follows the last
// carriage return.
func (p *progress) print(s *step, line []byte) {
	line = bytes.TrimRight(line, "\r")
	if i := bytes.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	text := string(line)
	s.tail = append(s.tail, text)
	if len(s.tail) > maxTail {
		s.tail = s.tail[1:]
	}
	p.line(Line{Step: s.number, Output: true, Text: text})
}

func (p *progress) flushStep(s *step) {
	for _, stream := range []int{1, 2} {
		if data := s.partial[stream]; len(data) > 0 {
			p.print(s, data)
			delete(s.partial, stream)
		}
	}
}

func (p *progress) flush() {
	for _, s := range p.order {
		p.flushStep(s)
	}
}

// failing is the step that broke, or else the one that was at work.
func (p *progress) failing() *step {
	var working *step
	for _, s := range p.order {
		// Steps that were stopped, because another broke or time was up, end
		// with this error too.
		stopped := strings.Contains(s.err, "context canceled")
		if s.err != "" && !stopped {
			return s
		}
		if s.counts() && (stopped || !s.done) {
			working = s
		}
	}
	return working
}

func (p *progress) allCached() bool {
	n := 0
	for _, s := range p.order {
		if s.counts() {
			if n++; !s.cached {
				return false
			}
		}
	}
	return n > 0
}
