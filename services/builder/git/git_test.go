// SPDX-License-Identifier: Apache-2.0

package git_test

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/services/builder/git"
)

// repository is a bare repository made with Git itself.
type repository struct {
	t        *testing.T
	dir      string // holds work and repo.git
	bare     string
	SHA, Old string // newest commit, and the one before
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=a@example.com",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("skipped: no git to make a repository with")
	}
	r := &repository{t: t, dir: t.TempDir()}
	work := filepath.Join(r.dir, "work")
	run(t, r.dir, "init", "-q", "-b", "main", work)
	r.commit(func(dir string) {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "run.sh"), []byte("#!/bin/sh\n"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "sub/a.txt"), []byte("one\n"), 0o644))
		require.NoError(t, os.Symlink("sub/a.txt", filepath.Join(dir, "link")))
	})
	r.Old = r.SHA
	r.commit(func(dir string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "sub/a.txt"), []byte("two\n"), 0o644))
	})
	return r
}

func (r *repository) commit(change func(dir string)) {
	r.t.Helper()
	work := filepath.Join(r.dir, "work")
	change(work)
	run(r.t, work, "add", "-A")
	run(r.t, work, "commit", "-q", "-m", "change\n\nbody")
	r.SHA = run(r.t, work, "rev-parse", "HEAD")
	r.bare = filepath.Join(r.dir, "repo.git")
	if _, err := os.Stat(r.bare); err == nil {
		run(r.t, work, "push", "-q", r.bare, "main")
		return
	}
	run(r.t, r.dir, "clone", "-q", "--bare", work, r.bare)
}

// serve gives the repository out over HTTP by Git's own server.
func (r *repository) serve(user, password string) string {
	r.t.Helper()
	path := filepath.Join(run(r.t, r.dir, "--exec-path"), "git-http-backend")
	if _, err := os.Stat(path); err != nil {
		r.t.Skip("skipped: no git-http-backend")
	}
	backend := &cgi.Handler{Path: path, Env: []string{"GIT_PROJECT_ROOT=" + r.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null"}, InheritEnv: []string{"PATH"}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if u, p, _ := req.BasicAuth(); user != "" && (u != user || p != password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, req)
	}))
	r.t.Cleanup(srv.Close)
	return srv.URL + "/repo.git"
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(data)
}

func TestFetchLocal(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	s := git.Source{Local: []string{r.dir}}

	t.Run("Files", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		commit, err := s.Fetch(t.Context(), "file://"+r.bare, "main", r.SHA, dir)
		require.NoError(t, err)
		when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		require.Equal(t, git.Commit{SHA: r.SHA, Message: "change", Author: "Ada", Time: when, Files: 3, Bytes: int64(len("#!/bin/sh\n") + len("two\n") + len("sub/a.txt"))}, commit)
		require.Equal(t, "two\n", content(t, dir, "link"))
		for name, mode := range map[string]os.FileMode{"run.sh": 0o755, "sub/a.txt": 0o644} {
			info, err := os.Stat(filepath.Join(dir, name))
			require.NoError(t, err)
			require.Equal(t, mode, info.Mode())
			require.Equal(t, when, info.ModTime().UTC())
		}
	})

	t.Run("Head", func(t *testing.T) {
		t.Parallel()
		for _, branch := range []string{"", "main"} {
			sha, err := s.Head(t.Context(), r.bare, branch)
			require.NoError(t, err)
			require.Equal(t, r.SHA, sha)
		}
		_, err := s.Head(t.Context(), r.bare, "none")
		require.ErrorIs(t, err, git.ErrNoCommit)
	})

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		outside := git.Source{Local: []string{filepath.Join(r.dir, "work")}}
		require.NoError(t, os.Symlink(r.bare, filepath.Join(r.dir, "work", "sneaky")))
		for _, address := range []string{"file://" + r.bare, r.bare, filepath.Join(r.dir, "work/../repo.git"), filepath.Join(r.dir, "work/sneaky"), "ssh://host/x", "http:no-host", "./x"} {
			_, err := outside.Fetch(t.Context(), address, "main", r.SHA, t.TempDir())
			require.ErrorIs(t, err, git.ErrRefused, address)
		}
	})

	t.Run("NoCommit", func(t *testing.T) {
		t.Parallel()
		for _, sha := range []string{strings.Repeat("0a", 20), "main", "", "--upload-pack=x"} {
			_, err := s.Fetch(t.Context(), r.bare, "main", sha, t.TempDir())
			require.ErrorIs(t, err, git.ErrNoCommit, sha)
		}
	})

	t.Run("TooLarge", func(t *testing.T) {
		t.Parallel()
		for _, limits := range []git.Limits{{Bytes: 10}, {Files: 2}} {
			small := git.Source{Local: s.Local, Limits: limits}
			_, err := small.Fetch(t.Context(), r.bare, "main", r.SHA, t.TempDir())
			require.ErrorIs(t, err, git.ErrTooLarge)
		}
	})
}

// TestLinksStayInside: also a chain of links that each look harmless.
func TestLinksStayInside(t *testing.T) {
	t.Parallel()
	for name, links := range map[string]map[string]string{
		"Absolute": {"x": "/etc/passwd"},
		"Above":    {"x": "../outside"},
		"Chain":    {"a/b/up": "../..", "a/b/x": "up/../secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t)
			r.commit(func(dir string) {
				for link, target := range links {
					require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(link)), 0o755))
					require.NoError(t, os.Symlink(target, filepath.Join(dir, link)))
				}
			})
			s := git.Source{Local: []string{r.dir}}
			_, err := s.Fetch(t.Context(), r.bare, "main", r.SHA, t.TempDir())
			require.ErrorIs(t, err, git.ErrRefused)
			require.ErrorContains(t, err, "points outside")
		})
	}
}

func TestFetchHTTP(t *testing.T) {
	t.Parallel()

	t.Run("OneCommit", func(t *testing.T) {
		t.Parallel()
		r := newRepository(t)
		run(t, r.bare, "config", "uploadpack.allowAnySHA1InWant", "true")
		dir := t.TempDir()
		_, err := (&git.Source{}).Fetch(t.Context(), r.serve("", ""), "", r.Old, dir)
		require.NoError(t, err)
		require.Equal(t, "one\n", content(t, dir, "sub/a.txt"))
	})

	t.Run("ServerGivesBranchesOnly", func(t *testing.T) {
		t.Parallel()
		r := newRepository(t)
		dir := t.TempDir()
		url := r.serve("", "")
		_, err := (&git.Source{}).Fetch(t.Context(), url, "main", r.Old, dir)
		require.NoError(t, err)
		require.Equal(t, "one\n", content(t, dir, "sub/a.txt"))
		sha, err := (&git.Source{}).Head(t.Context(), url, "main")
		require.NoError(t, err)
		require.Equal(t, r.SHA, sha)
		_, err = (&git.Source{}).Fetch(t.Context(), url, "main", strings.Repeat("0a", 20), t.TempDir())
		require.ErrorIs(t, err, git.ErrNoCommit)
		_, err = (&git.Source{}).Fetch(t.Context(), strings.Replace(url, "repo.git", "none.git", 1), "main", r.SHA, t.TempDir())
		require.ErrorIs(t, err, git.ErrNotPublic)
		_, err = (&git.Source{Limits: git.Limits{Bytes: 100}}).Fetch(t.Context(), url, "main", r.SHA, t.TempDir())
		require.ErrorIs(t, err, git.ErrTooLarge)
	})

	t.Run("Credentials", func(t *testing.T) {
		t.Parallel()
		r := newRepository(t)
		url := r.serve("bot", "pass-word-1")
		_, err := (&git.Source{}).Fetch(t.Context(), url, "main", r.SHA, t.TempDir())
		require.ErrorIs(t, err, git.ErrNotPublic)
		file := filepath.Join(t.TempDir(), "credentials")
		require.NoError(t, os.WriteFile(file, []byte("# forge\n"+strings.Replace(strings.TrimSuffix(url, "/repo.git"), "://", "://bot:pass-word-1@", 1)+"\n"), 0o600))
		credentials, err := git.ReadCredentials(file)
		require.NoError(t, err)
		require.Equal(t, []string{"pass-word-1"}, credentials.Secrets())
		_, err = (&git.Source{Credentials: credentials}).Fetch(t.Context(), url, "main", r.SHA, t.TempDir())
		require.NoError(t, err)
		_, err = (&git.Source{}).Fetch(t.Context(), strings.Replace(url, "://", "://bot:wrong-word@", 1), "main", r.SHA, t.TempDir())
		require.ErrorIs(t, err, git.ErrNotPublic)
		require.NotContains(t, err.Error(), "wrong-word")
	})
}

func FuzzPublic(f *testing.F) {
	f.Add("https://bot:secret@example.com/x.git")
	f.Add("https://a@b:secret@example.com")
	f.Add("git://x")
	f.Add("/local/path@x")
	f.Fuzz(func(t *testing.T, address string) {
		public := git.Public(address)
		require.Equal(t, public, git.Public(public))
		if _, rest, ok := strings.Cut(public, "://"); ok {
			authority, _, _ := strings.Cut(rest, "/")
			require.NotContains(t, authority, "@")
		}
	})
}

func FuzzCredentials(f *testing.F) {
	f.Add("https://bot:token@example.com\n# note\n")
	f.Add("nonsense")
	f.Add("https://example.com")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "c")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		if _, err := git.ReadCredentials(file); err != nil && len(text) > 20 {
			require.NotContains(t, err.Error(), strings.TrimSpace(text), "an error must not show a line")
		}
	})
}
