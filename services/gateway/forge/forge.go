// SPDX-License-Identifier: Apache-2.0

// Package forge holds what the adapters of GitHub, GitLab and Gitea have in
// common: what a push is, and why a delivery is refused.
package forge

import (
	"errors"
	"strings"

	"github.com/hydra-platform/hydra/events"
)

// Why a delivery is not believed. The words are also the metric's reasons.
var (
	ErrMissing   = errors.New("the signature is missing")
	ErrMalformed = errors.New("the signature has not the form that the forge prescribes")
	ErrWrong     = errors.New("the signature does not match the body and the webhook's secret")
	ErrExpired   = errors.New("the signature's timestamp is more than five minutes away from now")
)

// Delivery is what a forge delivered, in words that are the same for all.
type Delivery struct {
	ID    string // the forge's own; the same when it is delivered again
	Event string // the forge's name for it
	Ping  bool   // only asks whether somebody answers
	Push  *Push  // nil for everything that is no push to a branch
	// Ignored says why nothing follows from the delivery.
	Ignored string
}

// Push is commits that arrived on a branch.
type Push struct {
	Branch string
	Commit events.Commit // the newest one
	URLs   []string      // every address of the repository that the forge named
}

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
)

// Ref reads a git reference: the branch, or why it is of no interest.
func Ref(ref, after string) (branch, ignored string) {
	branch, ok := strings.CutPrefix(ref, branchPrefix)
	switch {
	case strings.HasPrefix(ref, tagPrefix):
		return "", "a tag was pushed, and only branches are built"
	case !ok || branch == "":
		return "", "reference " + quote(ref) + " is no branch"
	case after == "" || strings.Trim(after, "0") == "":
		return "", "branch " + quote(branch) + " was deleted"
	}
	return branch, ""
}

// FirstLine is the subject of a commit's message.
func FirstLine(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	return strings.TrimSpace(line)
}

// SHA reports whether s is a whole commit id, SHA-1 or SHA-256.
func SHA(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// NonEmpty returns the strings that are not empty.
func NonEmpty(in ...string) []string {
	var out []string
	for _, s := range in {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

func quote(s string) string {
	if len(s) > 100 {
		s = s[:100] + "..."
	}
	return `"` + s + `"`
}
