// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(content), 0o600))
	}
	return root
}

const (
	mod  = "module example.com/m\n\ngo 1.26\n"
	main = "package main\n\nfunc main() {}\n"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		at    string
		want  Plan
	}{
		"GoAtTheTop": {
			files: map[string]string{"go.mod": mod, "main.go": main, "a_test.go": "package main"},
			want:  Plan{Strategy: Go, Context: ".", Module: &GoModule{Dir: ".", Root: ".", Package: ".", Tests: true}},
		},
		"GoCommandNamedLikeTheApp": {
			files: map[string]string{"go.mod": mod + "require example.com/x v1.0.0\n", "go.sum": "", "cmd/shop/main.go": main, "cmd/other/main.go": main},
			want:  Plan{Strategy: Go, Context: ".", Module: &GoModule{Dir: ".", Root: ".", Package: "./cmd/shop", Requires: true, Sum: true}},
		},
		"GoBelowTheModule": {
			files: map[string]string{"go.mod": mod, "svc/a/main.go": main, "svc/a/hydra.yaml": "kind: Application"}, at: "svc/a",
			want: Plan{Strategy: Go, Context: ".", Spec: "kind: Application", SpecPath: "svc/a/hydra.yaml", Module: &GoModule{Dir: ".", Root: ".", Package: "./svc/a"}},
		},
		"GoWithNeighbour": {
			files: map[string]string{"svc/go.mod": mod + "require example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n", "svc/main.go": main, "lib/go.mod": mod}, at: "svc",
			want: Plan{Strategy: Go, Context: ".", Module: &GoModule{Dir: "svc", Root: ".", Package: ".", Requires: true}},
		},
		"Vendored": {
			files: map[string]string{"go.mod": mod + "require example.com/x v1.0.0\n", "vendor/modules.txt": "", "vendor/x/x_test.go": "package x", "main.go": main},
			want:  Plan{Strategy: Go, Context: ".", Module: &GoModule{Dir: ".", Root: ".", Package: "."}},
		},
		"DockerfileFirst": {
			files: map[string]string{"Dockerfile": "FROM a AS Test\nFROM scratch\n", "go.mod": mod, ".hydra/app.yaml": "b", "app.yaml": "a"},
			want:  Plan{Strategy: Dockerfile, Context: ".", Dockerfile: "Dockerfile", TestStage: true, BuiltIn: true, Spec: "a", SpecPath: "app.yaml", Module: &GoModule{Dir: ".", Root: "."}},
		},
		"DockerfileOfTheStableSyntax": {
			files: map[string]string{"Dockerfile": "# syntax=docker/dockerfile:1.7\nFROM scratch\n"},
			want:  Plan{Strategy: Dockerfile, Context: ".", Dockerfile: "Dockerfile", BuiltIn: true},
		},
		"DockerfileOfAnotherSyntax": {
			files: map[string]string{"Dockerfile": "# syntax=example.com/other\nwhatever\n"},
			want:  Plan{Strategy: Dockerfile, Context: ".", Dockerfile: "Dockerfile"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Detect(tree(t, c.files), c.at, "shop")
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestDetectRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		at    string
		want  string
	}{
		"Nothing":      {files: map[string]string{"README.md": ""}, want: "no Dockerfile and no go.mod in the top directory of the repository"},
		"NoDirectory":  {files: map[string]string{"go.mod": mod}, at: "svc", want: `no directory "svc"`},
		"Outside":      {files: map[string]string{"go.mod": mod}, at: "../..", want: "leaves the repository"},
		"Library":      {files: map[string]string{"go.mod": mod, "a.go": "package a"}, want: "no main package"},
		"ManyCommands": {files: map[string]string{"go.mod": mod, "cmd/a/main.go": main, "cmd/b/main.go": main}, want: "./cmd/a, ./cmd/b"},
		"BadGoMod":     {files: map[string]string{"go.mod": "module m\nrequire (\n", "main.go": main}, want: "go.mod:3"},
		"BadDocker":    {files: map[string]string{"Dockerfile": "FROM a\nRUNN x\n"}, want: "unknown instruction: RUNN"},
		"NoFrom":       {files: map[string]string{"Dockerfile": "# empty\n"}, want: "Dockerfile"},
		"OddNames":     {files: map[string]string{"a b/go.mod": mod, "a b/main.go": main}, at: "a b", want: "want letters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Detect(tree(t, c.files), c.at, "shop")
			require.ErrorIs(t, err, ErrUnknown)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzDockerfile(f *testing.F) {
	f.Add([]byte("FROM a AS test\nRUN x\nFROM scratch\n"))
	f.Add([]byte("# escape=`\nFROM a\nRUN <<EOF\nx\nEOF\n"))
	f.Add([]byte("ARG X\nFROM $X AS \\\n b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		stages, err := parseStages(data)
		if err != nil {
			require.ErrorIs(t, err, ErrUnknown)
			return
		}
		require.NotEmpty(t, stages)
	})
}
