// SPDX-License-Identifier: Apache-2.0

// Package policy holds the rules of the house as tests.
package policy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
)

var update = flag.Bool("update", false, "rewrite generated documents")

const module = "github.com/hydra-platform/hydra/"

// root is the checkout, two directories above this file's.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "go.work"))
	return dir
}

// tracked lists the files of the repository that end in one of the suffixes.
func tracked(t *testing.T, suffixes ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "-C", root(t), "ls-files", "-z").Output()
	require.NoError(t, err)
	var files []string
	for _, f := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		if _, err := os.Stat(filepath.Join(root(t), f)); err != nil {
			continue // deleted and not committed yet
		}
		if len(suffixes) == 0 || slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(f, s) }) {
			files = append(files, f)
		}
	}
	require.NotEmpty(t, files)
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root(t), file))
	require.NoError(t, err)
	return string(data)
}

func TestEveryGoFileNamesItsLicence(t *testing.T) {
	t.Parallel()
	for _, f := range tracked(t, ".go") {
		require.True(t, strings.HasPrefix(read(t, f), "// SPDX-License-Identifier: Apache-2.0\n\n"), "%s: first line is not the SPDX licence, followed by an empty one", f)
	}
}

type pkg struct {
	ImportPath string
	GoFiles    []string
	Imports    []string
	Module     struct{ Path string }
	Doc        string
	Name       string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,GoFiles,Imports,Module,Doc,Name", "work")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		require.NoError(t, dec.Decode(&p))
		all = append(all, p)
	}
	require.Greater(t, len(all), 20)
	return all
}

func TestServicesDoNotKnowEachOther(t *testing.T) {
	t.Parallel()
	service := regexp.MustCompile(`^` + module + `services/([a-z]+)`)
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			path := strings.TrimPrefix(imported, module)
			switch {
			case strings.HasPrefix(p.ImportPath, module+"services/"):
				if m := service.FindStringSubmatch(imported); m != nil {
					require.Equal(t, service.FindStringSubmatch(p.ImportPath)[1], m[1], "%s imports %s", p.ImportPath, imported)
				}
				require.False(t, strings.HasPrefix(imported, module+"cmd/"), "%s imports %s", p.ImportPath, imported)
			case strings.HasPrefix(p.ImportPath, module+"libs"):
				require.False(t, strings.HasPrefix(path, "services/") || strings.HasPrefix(path, "cmd/"), "%s imports %s", p.ImportPath, imported)
			case strings.HasPrefix(p.ImportPath, module+"events"):
				require.False(t, strings.Contains(strings.Split(imported, "/")[0], ".") && !strings.HasPrefix(imported, module+"events"),
					"%s imports %s: the contract needs the standard library only", p.ImportPath, imported)
			}
			// gotest reads what `go test` prints.
			testOnly := strings.HasSuffix(imported, "test") && strings.HasPrefix(imported, module) && !strings.HasSuffix(imported, "/gotest")
			require.False(t, testOnly && !strings.HasSuffix(p.ImportPath, "test") && !strings.HasPrefix(p.ImportPath, module+"test"),
				"%s imports %s, which is for tests", p.ImportPath, imported)
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 {
			continue // tests only
		}
		require.NotEmpty(t, p.Doc, "%s has no package documentation", p.ImportPath)
	}
}

func TestOneGoVersion(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`(?m)^go (\S+)$`)
	want := line.FindStringSubmatch(read(t, "go.work"))[1]
	for _, use := range regexp.MustCompile(`(?m)^\t\./(\S+)$`).FindAllStringSubmatch(read(t, "go.work"), -1) {
		require.Equal(t, want, line.FindStringSubmatch(read(t, use[1]+"/go.mod"))[1], use[1])
	}
	require.NotContains(t, read(t, "go.work"), "replace")
}

// The repository speaks of the product alone.
func TestNoWordsOfAWorkplace(t *testing.T) {
	t.Parallel()
	private := regexp.MustCompile(`/work/|\.\./shared|proxy\.golang\.org|registry\.npmjs|pypi\.org|deb\.debian\.org|repo\.maven|(?i)claude|anthropic`)
	for _, f := range tracked(t, ".go", ".md", ".yaml", ".yml", ".json", ".sh", ".ts", ".tsx", ".html", ".css", ".txtar", "Makefile", "run") {
		if strings.HasSuffix(f, "test/policy/policy_test.go") {
			continue
		}
		for i, l := range strings.Split(read(t, f), "\n") {
			require.False(t, private.MatchString(l), "%s:%d: %s", f, i+1, private.FindString(l))
		}
	}
}

func TestMakefileIsShortAndExplained(t *testing.T) {
	t.Parallel()
	makefile := read(t, "Makefile")
	require.Less(t, strings.Count(makefile, "\n"), 80)
	for _, target := range regexp.MustCompile(`(?m)^([a-z][a-z-]*):`).FindAllStringSubmatch(makefile, -1) {
		if target[1] != "help" {
			require.True(t, strings.Contains(makefile, "## "+target[1]+":") || strings.Contains(makefile, "bench-main` for one"), "make %s is not explained", target[1])
		}
	}
}

// Documents that name a file of the repository name one that is there.
func TestDocumentsNameFilesThatExist(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	for _, f := range tracked(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(read(t, f), -1) {
			_, err := os.Stat(filepath.Join(root(t), filepath.Dir(f), m[1]))
			require.NoError(t, err, "%s links to %s", f, m[1])
		}
	}
}

// graph is what `hydra flow -o json` prints, with short names of events.
type graph struct {
	Units []string `json:"units"`
	Steps []struct {
		Unit string   `json:"unit"`
		In   string   `json:"in"`
		Out  []string `json:"out"`
	} `json:"steps"`
	Unemitted []string `json:"unemitted"`
	Unknown   []string `json:"unknown"`
}

func flow(t *testing.T) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "run", "./cmd/hydra", "flow", "-o", "json")
	cmd.Dir = root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	return out
}

func TestEveryEventIsEmittedAndEveryEmittedEventIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	var g graph
	require.NoError(t, json.Unmarshal(flow(t), &g))
	require.Len(t, g.Units, 6)
	require.Empty(t, g.Unemitted)
	require.Empty(t, g.Unknown)
	emitted, known := map[string]bool{}, map[string]bool{}
	for _, p := range events.Catalog() {
		known[p.EventType().Name()] = true
	}
	for _, step := range g.Steps {
		require.True(t, step.In == "" || known[step.In], "%s consumes %s, which is not in events.Catalog", step.Unit, step.In)
		for _, out := range step.Out {
			emitted[out] = true
			require.True(t, known[out], "%s emits %s, which is not in events.Catalog", step.Unit, out)
		}
	}
	delete(known, events.DeliveryDeadLettered{}.EventType().Name()) // the bus, for every unit
	for name := range known {
		require.True(t, emitted[name], "nobody emits %s", name)
	}
}

func TestEventsDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	w := bufio.NewWriter(&b)
	fmt.Fprint(w, "# Events\n\nGenerated from `events.Catalog`; `make generate` rewrites it. In the order in which a push\nmeets them. An example of each is in `events/testdata`, its JSON Schema in `events/schema`.\n\n| event | type | subject | example | schema |\n|---|---|---|---|---|\n")
	for _, p := range events.Catalog() {
		typ := p.EventType()
		fmt.Fprintf(w, "| %s | `%s` | `%s` | [example](../events/testdata/%s.json) | [schema](../events/schema/%s.json) |\n",
			typ.Name(), typ, strings.Replace(strings.Replace(typ.NATSFilter(), "*", "<project>", 1), "*", "<app>", 1), typ.Name(), typ.Name())
	}
	require.NoError(t, w.Flush())
	generated(t, "docs/events.md", b.String())
}

func generated(t *testing.T, file, content string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join(root(t), file), []byte(content), 0o644))
	}
	require.Equal(t, content, read(t, file), "%s is not current: run `make generate`", file)
}
