// SPDX-License-Identifier: Apache-2.0

package forge

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

// scpLike is git's short form of an SSH address: user@host:path. It must not
// match git's remote helpers (ext::command), which run programs.
var scpLike = regexp.MustCompile(`^(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?([A-Za-z0-9][A-Za-z0-9.-]*):([^/\\:\s-][^\s]*)$`)

// IsSCP reports whether s is git's short form of an SSH address.
func IsSCP(s string) bool { return !strings.Contains(s, "://") && scpLike.MatchString(s) }

// Canonical is a repository's address in the form in which two are compared:
// host and path, without scheme, user, .git and the port that the scheme has
// anyway. The host's case does not matter, the path's does. An SSH port is
// left out, because it says nothing about the repository. A path on this
// machine is compared exactly. What is no address is "".
func Canonical(repository string) string {
	repository = strings.TrimSpace(repository)
	if strings.HasPrefix(repository, "/") {
		return "file:" + path.Clean(repository)
	}
	if IsSCP(repository) {
		m := scpLike.FindStringSubmatch(repository)
		return join(m[1], m[2])
	}
	u, err := url.Parse(repository)
	if err != nil {
		return ""
	}
	switch u.Scheme {
	case "file":
		if u.Path == "" || (u.Host != "" && u.Host != "localhost") {
			return ""
		}
		return "file:" + path.Clean(u.Path)
	case "http", "https", "ssh", "git", "git+ssh", "git+https":
	default:
		return ""
	}
	host, port := u.Hostname(), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" && port != defaultPort(u.Scheme) && !strings.Contains(u.Scheme, "ssh") {
		host += ":" + port
	}
	return join(host, u.Path)
}

func join(host, p string) string {
	p = strings.TrimSuffix(strings.Trim(path.Clean("/"+p), "/"), ".git")
	if host == "" || p == "" {
		return ""
	}
	return strings.ToLower(host) + "/" + p
}

func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https", "git+https":
		return "443"
	case "git":
		return "9418"
	}
	return ""
}

// Same reports whether one of the addresses is repository's.
func Same(repository string, addresses []string) bool {
	want := Canonical(repository)
	if want == "" {
		return false
	}
	for _, a := range addresses {
		if Canonical(a) == want {
			return true
		}
	}
	return false
}

// WithoutCredentials removes a user and password from an address. The user of
// an SSH address is part of it and stays.
func WithoutCredentials(repository string) string {
	u, err := url.Parse(repository)
	if err != nil || u.User == nil {
		return repository
	}
	if _, secret := u.User.Password(); !secret && strings.Contains(u.Scheme, "ssh") {
		return repository
	}
	if strings.Contains(u.Scheme, "ssh") {
		u.User = url.User(u.User.Username())
	} else {
		u.User = nil
	}
	return u.String()
}
