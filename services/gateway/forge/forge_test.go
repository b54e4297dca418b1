// SPDX-License-Identifier: Apache-2.0

package forge

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"HTTPS":         {"https://github.com/acme/shop.git", "github.com/acme/shop"},
		"NoSuffix":      {"https://github.com/acme/shop", "github.com/acme/shop"},
		"TrailingSlash": {"https://github.com/acme/shop/", "github.com/acme/shop"},
		"Credentials":   {"https://me:secret@github.com/acme/shop.git", "github.com/acme/shop"},
		"SCP":           {"git@github.com:acme/shop.git", "github.com/acme/shop"},
		"SCPNoUser":     {"github.com:acme/shop.git", "github.com/acme/shop"},
		"SSH":           {"ssh://git@github.com/acme/shop.git", "github.com/acme/shop"},
		"SSHPort":       {"ssh://git@git.example.com:2222/acme/shop", "git.example.com/acme/shop"},
		"GitProtocol":   {"git://github.com/acme/shop.git", "github.com/acme/shop"},
		"HostCase":      {"https://GitHub.com/acme/shop", "github.com/acme/shop"},
		"PathCase":      {"https://github.com/Acme/Shop", "github.com/Acme/Shop"},
		"DefaultPort":   {"https://github.com:443/acme/shop", "github.com/acme/shop"},
		"OtherPort":     {"http://127.0.0.1:3000/acme/shop.git", "127.0.0.1:3000/acme/shop"},
		"IPv6":          {"http://[::1]:3000/acme/shop.git", "[::1]:3000/acme/shop"},
		"Subgroup":      {"https://gitlab.com/a/b/c.git", "gitlab.com/a/b/c"},
		"Folder":        {"/srv/git/shop.git", "file:/srv/git/shop.git"},
		"FileURL":       {"file:///srv/git/shop.git", "file:/srv/git/shop.git"},
		"FileExact":     {"/srv/git/shop", "file:/srv/git/shop"},
		"FileOtherHost": {"file://elsewhere/srv/git/shop", ""},
		"DotDot":        {"https://github.com/x/../acme/shop", "github.com/acme/shop"},
		"NoPath":        {"https://github.com", ""},
		"OtherScheme":   {"ext::sh -c evil", ""},
		"Empty":         {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, Canonical(tc.in))
		})
	}
	require.False(t, Same("", []string{""}), "nothing is not the same as nothing")
	require.True(t, Same("git@github.com:acme/shop.git", []string{"https://x.test/y", "https://github.com/acme/shop"}))
}

func TestWithoutCredentials(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://me:secret@github.com/acme/shop.git": "https://github.com/acme/shop.git",
		"https://token@github.com/acme/shop.git":     "https://github.com/acme/shop.git",
		"ssh://git@github.com/acme/shop.git":         "ssh://git@github.com/acme/shop.git",
		"ssh://git:secret@github.com/acme/shop.git":  "ssh://git@github.com/acme/shop.git",
		"git@github.com:acme/shop.git":               "git@github.com:acme/shop.git",
		"/srv/git/shop.git":                          "/srv/git/shop.git",
	} {
		require.Equal(t, want, WithoutCredentials(in))
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	sha := strings.Repeat("a", 40)
	for name, tc := range map[string]struct{ ref, after, branch, ignored string }{
		"Branch":       {"refs/heads/main", sha, "main", ""},
		"Nested":       {"refs/heads/fix/till", sha, "fix/till", ""},
		"Tag":          {"refs/tags/v1", sha, "", "a tag was pushed"},
		"Deleted":      {"refs/heads/main", strings.Repeat("0", 40), "", "was deleted"},
		"DeletedLong":  {"refs/heads/main", strings.Repeat("0", 64), "", "was deleted"},
		"NoBranch":     {"refs/heads/", sha, "", "is no branch"},
		"PullRequest":  {"refs/pull/3/head", sha, "", "is no branch"},
		"Empty":        {"", sha, "", "is no branch"},
		"NoCommit":     {"refs/heads/main", "", "", "was deleted"},
		"VeryLongName": {strings.Repeat("x", 5000), sha, "", "..."},
	} {
		branch, ignored := Ref(tc.ref, tc.after)
		require.Equal(t, tc.branch, branch, name)
		require.Contains(t, ignored, tc.ignored, name)
		require.Less(t, len(ignored), 300, name)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"https://me:pw@h.test:1/a/b.git", "git@h.test:a/b", "/srv/x.git", "ssh://[::1]:22/x", "file:///x", "%zz", "a:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := Canonical(s)
		require.Equal(t, c != "", Same(s, []string{"", s}), "what has a form is the same as itself")
		if host, path, ok := strings.Cut(c, "/"); ok && !strings.HasPrefix(c, "file:") {
			require.NotContains(t, host, "@")
			require.Equal(t, strings.ToLower(host), host)
			require.NotEmpty(t, path)
		}
		_ = WithoutCredentials(s)
	})
}
