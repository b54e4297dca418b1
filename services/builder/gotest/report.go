// SPDX-License-Identifier: Apache-2.0

// Package gotest reads what `go test` prints, live and line by line: the
// event stream of -json, and the plain form where it is all there is. Other
// lines pass through untouched, so that it can stand in front of any test
// command.
package gotest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Bounds on what a report keeps of the output of failing tests.
const (
	maxLinesPerTest = 200
	maxFailures     = 100
	maxRunning      = 10_000
)

// A Report counts tests as their output comes in. The zero value is ready.
type Report struct {
	Passed, Failed, Skipped int
	// Failures are the tests and packages that failed, in the order in which
	// they ended.
	Failures []Failure

	output map[string][]string // of what still runs
	failed map[string]bool     // packages with a failing test
}

// Failure is a test that failed, or a package that did not compile or crashed.
type Failure struct {
	Package string
	Test    string // empty for the package itself
	Output  []string
}

// Name is how people refer to it.
func (f Failure) Name() string {
	if f.Test == "" {
		return f.Package
	}
	return f.Test
}

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output and build-fail
	Test        string
	Output      string
	FailedBuild string // of a package's fail: the import path that did not compile
}

var plain = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+)`)

// Line takes one line and returns what a person should see of it; show is
// false where that is nothing.
func (r *Report) Line(line string) (text string, show bool) {
	if r.output == nil {
		r.output, r.failed = map[string][]string{}, map[string]bool{}
	}
	if strings.HasPrefix(line, "{") {
		var e event
		if json.Unmarshal([]byte(line), &e) == nil && r.event(e) {
			text = strings.TrimRight(e.Output, "\n")
			return text, text != "" && !noise(text)
		}
	}
	if m := plain.FindStringSubmatch(line); m != nil {
		r.count(m[1], "", m[2], nil)
	}
	return line, true
}

// noise is what `go test -json` adds for machines to what `go test -v` prints.
func noise(text string) bool {
	for _, prefix := range []string{"=== RUN ", "=== PAUSE", "=== CONT", "=== NAME"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return text == "PASS" || text == "FAIL"
}

// event reports whether e is one that `go test -json` makes.
func (r *Report) event(e event) bool {
	key := e.Package + "\x00" + e.Test
	switch e.Action {
	case "start", "run", "pause", "cont", "bench", "artifacts", "attr":
	case "build-output":
		r.keep("build\x00"+e.ImportPath, e.Output)
	case "build-fail":
	case "output":
		r.keep(key, e.Output)
	case "pass", "skip", "fail":
		r.end(e, key)
	default:
		return false
	}
	return true
}

func (r *Report) keep(key, output string) {
	lines, known := r.output[key]
	if len(lines) < maxLinesPerTest && (known || len(r.output) < maxRunning) {
		r.output[key] = append(lines, strings.TrimRight(output, "\n"))
	}
}

func (r *Report) end(e event, key string) {
	output := r.output[key]
	delete(r.output, key)
	if e.Test != "" {
		r.count(strings.ToUpper(e.Action), e.Package, e.Test, output)
		return
	}
	// A package is counted only when it failed and none of its tests did: it
	// did not compile, or its process died.
	if e.Action == "fail" && !r.failed[e.Package] {
		if e.FailedBuild != "" {
			output = append(slices.Clone(r.output["build\x00"+e.FailedBuild]), output...)
		}
		r.count("FAIL", e.Package, "", output)
	}
}

func (r *Report) count(verdict, pkg, test string, output []string) {
	switch verdict {
	case "PASS":
		r.Passed++
	case "SKIP":
		r.Skipped++
	case "FAIL":
		r.Failed++
		r.failed[pkg] = true
		if len(r.Failures) < maxFailures {
			r.Failures = append(r.Failures, Failure{Package: pkg, Test: test, Output: output})
		}
	}
}

// Summary says in a few lines what failed and what it printed, at most about
// limit bytes; it is empty when nothing failed.
func (r *Report) Summary(limit int) string {
	failures := r.leaves()
	if len(failures) == 0 {
		return ""
	}
	var names []string
	for _, f := range failures {
		names = append(names, f.Name())
	}
	const most = 5
	text := fmt.Sprintf("%d failed: %s", len(names), strings.Join(names[:min(most, len(names))], ", "))
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	for _, f := range failures {
		for _, line := range f.Output {
			if noise(line) || strings.TrimSpace(line) == "" || plain.MatchString(line) {
				continue
			}
			if len(text)+len(line) > limit {
				return text + "\n…"
			}
			text += "\n" + line
		}
	}
	return text
}

// leaves leaves out tests of which a subtest failed: they say nothing new.
func (r *Report) leaves() []Failure {
	return slices.DeleteFunc(slices.Clone(r.Failures), func(f Failure) bool {
		return slices.ContainsFunc(r.Failures, func(other Failure) bool {
			return other.Package == f.Package && f.Test != "" && strings.HasPrefix(other.Test, f.Test+"/")
		})
	})
}
