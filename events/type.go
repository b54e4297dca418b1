// SPDX-License-Identifier: Apache-2.0

package events

import (
	"fmt"
	"strings"
)

// Type is the wire name of an event, such as "dev.cdevents.build.started.0.3.0".
type Type string

const (
	standardPrefix = "dev.cdevents."
	customPrefix   = "dev.cdeventsx.hydra-"
)

// Custom reports whether the type is one of Hydra's own rather than one that
// the CDEvents specification defines.
func (t Type) Custom() bool { return strings.HasPrefix(string(t), customPrefix) }

// Noun is what the event is about, such as "build".
func (t Type) Noun() string { noun, _, _ := t.split(); return noun }

// Verb is what happened to it, such as "started".
func (t Type) Verb() string { _, verb, _ := t.split(); return verb }

// Version is the event's own version, such as "0.3.0".
func (t Type) Version() string { _, _, version := t.split(); return version }

// Name is the short name people use, such as "build.started".
func (t Type) Name() string { return t.Noun() + "." + t.Verb() }

func (t Type) split() (noun, verb, version string) {
	rest, ok := strings.CutPrefix(string(t), customPrefix)
	if !ok {
		rest, ok = strings.CutPrefix(string(t), standardPrefix)
	}
	if !ok {
		return "", "", ""
	}
	parts := strings.SplitN(rest, ".", 3)
	if len(parts) != 3 {
		return "", "", ""
	}
	return parts[0], parts[1], parts[2]
}

// Validate reports whether t has the shape that CDEvents prescribes: letters
// only in noun and verb, a version of three single digits (the pattern of the
// CDEvents v0.5.1 schemas).
func (t Type) Validate() error {
	noun, verb, version := t.split()
	if noun == "" || !lowerLetters(noun) || !lowerLetters(verb) {
		return fmt.Errorf("event type %q: want dev.cdevents.<noun>.<verb>.<version> or %s<noun>.<verb>.<version> in lower case letters", t, customPrefix)
	}
	if len(version) != 5 || version[1] != '.' || version[3] != '.' {
		return fmt.Errorf("event type %q: version %q: want three single digits", t, version)
	}
	return nil
}

func lowerLetters(s string) bool {
	for _, r := range s {
		if r < 'a' || r > 'z' {
			return false
		}
	}
	return s != ""
}
