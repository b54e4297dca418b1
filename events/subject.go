// SPDX-License-Identifier: Apache-2.0

package events

import (
	"fmt"
	"regexp"
	"strings"
)

// SubjectPrefix begins the NATS subject of every event.
const SubjectPrefix = "ev"

// NATSSubject is where an event is published:
// ev.<project>.<noun>.<verb>.<app>. Ids are kept out of it on purpose: the
// cost of a filtered consumer grows with the number of distinct subjects.
func (m Meta) NATSSubject() string {
	return strings.Join([]string{SubjectPrefix, orNone(m.Project), m.Type.Noun(), m.Type.Verb(), orNone(m.App)}, ".")
}

// NATSFilter selects one type of event of every project and app.
func (t Type) NATSFilter() string {
	return fmt.Sprintf("%s.*.%s.%s.*", SubjectPrefix, t.Noun(), t.Verb())
}

func orNone(s string) string {
	if s == "" {
		return None
	}
	return s
}

// name is a DNS label of at most 40 characters, so that a project's name fits
// into a namespace and "app.project" into a host name.
var name = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`)

// reserved names would meet Hydra's own namespaces and subjects.
var reserved = map[string]bool{"system": true, "hydra": true, "kube": true, "default": true}

// ValidateName checks the name of a project, an app or a webhook.
func ValidateName(kind, s string) error {
	if !name.MatchString(s) {
		return fmt.Errorf("%s name %q: want 1 to 40 lower case letters, digits or hyphens, beginning with a letter", kind, s)
	}
	if kind == "project" && reserved[s] {
		return fmt.Errorf("project name %q is reserved; choose another", s)
	}
	return nil
}
