// SPDX-License-Identifier: Apache-2.0

package builder_test

import (
	"bytes"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/builder"
)

const password = "proxy-pass-word"

// proxy serves one module as the Go module proxy protocol has it, to those who
// know the password, and returns its address, a file with its certificate and what go.sum says of the
// module.
func proxy(t *testing.T, served *atomic.Int32) (url, cert, sum string) {
	t.Helper()
	version := module.Version{Path: "example.com/greet", Version: "v1.0.0"}
	mod := "module example.com/greet\n\ngo 1.24\n"
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "greet.go"), []byte("package greet\n\nconst Word = \"hello\"\n"), 0o600))
	var archive bytes.Buffer
	require.NoError(t, modzip.CreateFromDir(&archive, version, dir))
	file := filepath.Join(t.TempDir(), "m.zip")
	require.NoError(t, os.WriteFile(file, archive.Bytes(), 0o600))
	h1, err := dirhash.HashZip(file, dirhash.Hash1)
	require.NoError(t, err)
	modSum, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(mod)), nil })
	require.NoError(t, err)
	content := map[string]string{".info": `{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z"}`, ".mod": mod, ".zip": archive.String()}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, p, _ := r.BasicAuth(); p != password {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		body, ok := content[filepath.Ext(r.URL.Path)]
		if !ok || !strings.HasPrefix(r.URL.Path, "/example.com/greet/@v/v1.0.0.") {
			http.NotFound(w, r)
			return
		}
		served.Add(1)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	cert = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))
	return strings.Replace(srv.URL, "://", "://go:"+password+"@", 1),
		cert, "example.com/greet v1.0.0 " + h1 + "\nexample.com/greet v1.0.0/go.mod " + modSum + "\n"
}

// TestModules: modules come through the proxy that the builder was given, once
// for a project, and what it takes to get there stays out of log and image.
func TestModules(t *testing.T) {
	w := newWorld(t)
	var served atomic.Int32
	url, cert, sum := proxy(t, &served)
	w.start(func(c *builder.Config) { c.GoProxy, c.GoNoSumDB, c.CACert = url, "*", cert })
	files := map[string]string{
		"go.mod": "module example.com/x\n\ngo 1.24\n\nrequire example.com/greet v1.0.0\n", "go.sum": sum,
		"main.go": "package main\n\nimport \"example.com/greet\"\n\nfunc main() { println(greet.Word) }\n",
	}
	commit := w.commit("modules", files)
	w.push("modules", commit, "1")
	b := w.build("modules", commit)
	require.Equal(t, record.Succeeded, b.Phase, w.log(b))
	require.NotContains(t, w.log(b), password)
	fetched := served.Load()
	require.Positive(t, fetched)

	// go.mod changes, so that the step runs again; the module is there.
	files["go.mod"] += "\n// changed\n"
	next := w.commit("modules", files)
	w.push("modules", next, "2")
	b = w.build("modules", next)
	require.Equal(t, record.Succeeded, b.Phase, w.log(b))
	require.Equal(t, fetched, served.Load(), "taken from the cache")

	// What is not to be had is a failure that says what.
	files["go.mod"] = strings.Replace(files["go.mod"], "v1.0.0", "v1.9.9", 1)
	gone := w.commit("modules", files)
	w.push("modules", gone, "3")
	b = w.build("modules", gone)
	require.Equal(t, record.Failed, b.Phase)
	require.Contains(t, b.Reason, "v1.9.9")
	require.NotContains(t, b.Reason, password)
}
