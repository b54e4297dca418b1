// SPDX-License-Identifier: Apache-2.0

package gotest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	t.Parallel()

	feed := func(lines string) (*Report, []string) {
		var r Report
		var shown []string
		for line := range strings.Lines(lines) {
			if text, show := r.Line(strings.TrimRight(line, "\n")); show {
				shown = append(shown, text)
			}
		}
		return &r, shown
	}

	t.Run("PlainOutput", func(t *testing.T) {
		t.Parallel()
		r, shown := feed("--- FAIL: TestA (0.00s)\n    a_test.go:7: boom\n--- SKIP: TestB (0.00s)\n--- PASS: TestC (0.00s)\nFAIL\n")
		require.Equal(t, []int{1, 1, 1}, []int{r.Passed, r.Failed, r.Skipped})
		require.Len(t, shown, 5)
		require.Equal(t, "1 failed: TestA", r.Summary(500))
	})

	t.Run("ForeignJSONPassesThrough", func(t *testing.T) {
		t.Parallel()
		r, shown := feed("{\"level\":\"info\"}\n{\"Action\":\"dance\"}\n{broken\n")
		require.Zero(t, r.Passed)
		require.Len(t, shown, 3)
	})

	t.Run("SubtestNamesTheFailure", func(t *testing.T) {
		t.Parallel()
		r, _ := feed(`{"Action":"output","Package":"p","Test":"TestA/One","Output":"    a_test.go:3: no\n"}
{"Action":"fail","Package":"p","Test":"TestA/One"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`)
		require.Equal(t, 2, r.Failed)
		require.Equal(t, "1 failed: TestA/One\n    a_test.go:3: no", r.Summary(500))
	})

	t.Run("SummaryIsBounded", func(t *testing.T) {
		t.Parallel()
		var lines strings.Builder
		for range 150 {
			lines.WriteString(`{"Action":"output","Package":"p","Test":"TestA","Output":"` + strings.Repeat("x", 90) + "\\n\"}\n")
		}
		lines.WriteString(`{"Action":"fail","Package":"p","Test":"TestA"}` + "\n")
		r, _ := feed(lines.String())
		require.Less(t, len(r.Summary(1000)), 1100)
	})
}

// TestReportOfRealTests runs the real `go test -json` on a package with one
// test of each outcome, and on one that does not compile.
func TestReportOfRealTests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	write("go.mod", "module example.com/m\n\ngo 1.26\n")
	write("a/a_test.go", `package a
import "testing"
func TestGood(t *testing.T) {}
func TestBad(t *testing.T) { t.Error("the sky is green") }
func TestLater(t *testing.T) { t.Skip("later") }
`)
	write("b/b_test.go", "package b\n\nfunc broken( {\n")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-json", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.Output()
	require.Error(t, err)

	var r Report
	for line := range strings.Lines(string(out)) {
		r.Line(strings.TrimRight(line, "\n"))
	}
	require.Equal(t, 1, r.Passed)
	require.Equal(t, 1, r.Skipped)
	require.Equal(t, 2, r.Failed, "one test and one package that does not compile")
	summary := r.Summary(2000)
	require.Contains(t, summary, "TestBad")
	require.Contains(t, summary, "the sky is green")
	require.Contains(t, summary, "example.com/m/b")
	require.Contains(t, summary, "b_test.go:3")
}

func FuzzReport(f *testing.F) {
	f.Add(`{"Action":"run","Package":"p","Test":"T"}` + "\n" + `{"Action":"pass","Package":"p","Test":"T","Elapsed":0.1}`)
	f.Add(`{"Action":"fail","Package":"p","FailedBuild":"p"}`)
	f.Add("--- FAIL: TestX (0.01s)\n    x_test.go:1: no\nFAIL")
	f.Add(`{"Action":"output","Package":"p","Output":"\u001b[31m\n"}`)
	f.Add("{}\n{\"Action\":null}\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		var r Report
		n := 0
		for line := range strings.Lines(text) {
			r.Line(strings.TrimRight(line, "\n"))
			n++
		}
		require.LessOrEqual(t, r.Passed+r.Failed+r.Skipped, n, "a line ends at most one test")
		require.LessOrEqual(t, len(r.Failures), r.Failed)
		if r.Failed > 0 {
			require.NotEmpty(t, r.Summary(100))
		}
	})
}
