// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// userSecrets are the files that a project's builds may mount, by id.
func (s *Service) userSecrets(project string) (map[string][]byte, error) {
	out := map[string][]byte{}
	if s.cfg.SecretsDir == "" || !filepath.IsLocal(project) {
		return out, nil
	}
	dir := filepath.Join(s.cfg.SecretsDir, project)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read build secrets: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") { // such as the links of a mounted Kubernetes secret
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read build secret %s: %w", e.Name(), err)
		}
		out[e.Name()] = data
	}
	return out, nil
}

// hidden lists what must not be seen: every secret, whole, line by line and
// in base64, the longest first so that none is left in part.
func (s *Service) hidden(user map[string][]byte) []string {
	secrets := append(s.creds.Secrets(), s.cfg.RegistryPassword)
	for _, proxy := range append(strings.FieldsFunc(s.cfg.GoProxy, func(r rune) bool { return r == ',' || r == '|' }), s.cfg.HTTPProxy, s.cfg.HTTPSProxy) {
		if u, err := url.Parse(proxy); err == nil && u.User != nil {
			password, _ := u.User.Password()
			secrets = append(secrets, password)
		}
	}
	for _, data := range user {
		text := strings.TrimSpace(string(data))
		secrets = append(secrets, text, base64.StdEncoding.EncodeToString(data), base64.StdEncoding.EncodeToString([]byte(text)))
		secrets = append(secrets, strings.Split(text, "\n")...)
	}
	const tooShort = 4 // to hide without making a log unreadable
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(strings.TrimSpace(s)) < tooShort })
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(secrets)
}

func replacer(hidden []string) *strings.Replacer {
	var pairs []string
	for _, secret := range hidden {
		pairs = append(pairs, secret, "***")
	}
	return strings.NewReplacer(pairs...)
}
