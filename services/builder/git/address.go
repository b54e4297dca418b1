// SPDX-License-Identifier: Apache-2.0

package git

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// Credentials are user names and passwords by scheme and host.
type Credentials struct {
	byHost map[string]*url.Userinfo
}

// ReadCredentials reads a file of the form that Git's own store uses: one URL
// with user and password in each line, such as https://bot:token@git.example.com.
// Empty lines and those that begin with # are skipped.
func ReadCredentials(path string) (*Credentials, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	defer func() { _ = file.Close() }()
	c := &Credentials{byHost: map[string]*url.Userinfo{}}
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		u, err := url.Parse(line)
		if err != nil || u.Host == "" || u.User == nil {
			// The line itself must not be shown: it holds a password.
			return nil, fmt.Errorf("credentials %s, line %d: want https://user:password@host", path, n)
		}
		c.byHost[u.Scheme+"://"+u.Host] = u.User
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	return c, nil
}

// Secrets are the passwords, to keep them out of logs.
func (c *Credentials) Secrets() []string {
	if c == nil {
		return nil
	}
	var out []string
	for _, u := range c.byHost {
		if p, ok := u.Password(); ok {
			out = append(out, p)
		}
	}
	return out
}

// For returns the address without credentials and how to authenticate there.
func (c *Credentials) For(repository string) (string, transport.AuthMethod, error) {
	u, err := url.Parse(repository)
	if err != nil || u.Host == "" {
		return "", nil, fmt.Errorf("%w: %q is no repository's address, want https://host/path", ErrRefused, Public(repository))
	}
	switch u.Scheme {
	case "https", "http", "git":
	default:
		return "", nil, fmt.Errorf("%w: %s: scheme %q is not supported, want https, http, git or file", ErrRefused, Public(repository), u.Scheme)
	}
	user := u.User
	u.User = nil
	if user == nil && c != nil {
		user = c.byHost[u.Scheme+"://"+u.Host]
	}
	if user == nil || u.Scheme == "git" {
		return u.String(), nil, nil
	}
	password, _ := user.Password()
	return u.String(), &githttp.BasicAuth{Username: user.Username(), Password: password}, nil
}

// Public is a repository's address as it may be shown: without credentials.
func Public(repository string) string {
	scheme, rest, ok := strings.Cut(repository, "://")
	if !ok {
		return repository
	}
	authority, path, slash := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	if slash {
		path = "/" + path
	}
	return scheme + "://" + authority + path
}

// userinfo are the secrets that an address itself holds.
func userinfo(repository string) []string {
	u, err := url.Parse(repository)
	if err != nil || u.User == nil {
		return nil
	}
	if p, ok := u.User.Password(); ok {
		return []string{p}
	}
	return []string{u.User.Username()} // a token alone stands in its place
}

// local returns the directory of a repository on this machine, if it is one.
// Links are resolved before it is compared with the allowed directories.
func (s *Source) local(repository string) (path string, isLocal bool, err error) {
	switch {
	case strings.HasPrefix(repository, "file://"):
		u, err := url.Parse(repository)
		if err != nil || (u.Host != "" && u.Host != "localhost") {
			return "", true, fmt.Errorf("%w: %q: want file:///path", ErrRefused, repository)
		}
		path = u.Path
	case filepath.IsAbs(repository):
		path = repository
	default:
		return "", false, nil
	}
	refused := fmt.Errorf("%w: %s is not below a directory that the builder may read; add one to localRepositories or use http", ErrRefused, repository)
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		if len(s.Local) == 0 {
			return "", true, refused
		}
		return "", true, fmt.Errorf("%w: %s: no such directory", ErrNotPublic, repository)
	}
	for _, dir := range s.Local {
		allowed, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue
		}
		if rel, err := filepath.Rel(allowed, real); err == nil && filepath.IsLocal(rel) {
			return real, true, nil
		}
	}
	return "", true, refused
}
