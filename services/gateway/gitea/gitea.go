// SPDX-License-Identifier: Apache-2.0

// Package gitea reads the webhooks of Gitea and of Forgejo, which sends the
// same.
package gitea

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/auth"
	"github.com/hydra-platform/hydra/services/gateway/forge"
)

// Verify checks X-Gitea-Signature, a bare hex HMAC-SHA256, or where that is
// missing X-Hub-Signature-256. With form content Gitea signs the payload
// inside the form rather than the body.
func Verify(secret string, header http.Header, body []byte) error {
	digest := header.Get("X-Gitea-Signature")
	if digest == "" {
		given := header.Get("X-Hub-Signature-256")
		if given == "" {
			return forge.ErrMissing
		}
		var ok bool
		if digest, ok = strings.CutPrefix(given, "sha256="); !ok {
			return forge.ErrMalformed
		}
	}
	if len(digest) != 64 {
		return forge.ErrMalformed
	}
	signed := body
	if payload, isForm := fromForm(header, body); isForm {
		signed = payload
	}
	if secret == "" || !auth.VerifyHMAC(secret, signed, digest) {
		return forge.ErrWrong
	}
	return nil
}

// payload is what is read of a push.
type payload struct {
	Ref        string   `json:"ref"`
	After      string   `json:"after"`
	HeadCommit *commit  `json:"head_commit"`
	Commits    []commit `json:"commits"`
	Repository struct {
		CloneURL string `json:"clone_url"`
		SSHURL   string `json:"ssh_url"`
		HTMLURL  string `json:"html_url"`
	} `json:"repository"`
}

type commit struct {
	ID        string    `json:"id"`
	Message   string    `json:"message"`
	Timestamp time.Time `json:"timestamp"`
	Author    struct {
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"author"`
}

// Parse reads a delivery whose signature was checked.
func Parse(header http.Header, body []byte) (forge.Delivery, error) {
	d := forge.Delivery{ID: header.Get("X-Gitea-Delivery"), Event: header.Get("X-Gitea-Event")}
	switch {
	case d.Event == "":
		return d, errors.New("header X-Gitea-Event is missing; is this a webhook of Gitea?")
	case d.ID == "":
		return d, errors.New("header X-Gitea-Delivery is missing")
	}
	if payload, isForm := fromForm(header, body); isForm {
		body = payload
	}
	if !json.Valid(body) {
		return d, errors.New("the body is not JSON")
	}
	if d.Event != "push" {
		d.Ignored = fmt.Sprintf("event %.60q is not used; only push is", d.Event)
		return d, nil
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return d, fmt.Errorf("push: %w", err)
	}
	branch, ignored := forge.Ref(p.Ref, p.After)
	if ignored != "" {
		d.Ignored = ignored
		return d, nil
	}
	if !forge.SHA(p.After) {
		return d, fmt.Errorf("push: after %.80q is no commit", p.After)
	}
	out := events.Commit{Repository: forge.WithoutCredentials(p.Repository.CloneURL), Branch: branch, SHA: p.After}
	if c := p.newest(); c != nil {
		out.Message, out.Author, out.Time = forge.FirstLine(c.Message), c.Author.Name, c.Timestamp.UTC()
		if out.Author == "" {
			out.Author = c.Author.Username
		}
	}
	r := p.Repository
	d.Push = &forge.Push{Branch: branch, Commit: out, URLs: forge.NonEmpty(r.CloneURL, r.SSHURL, r.HTMLURL)}
	if len(d.Push.URLs) == 0 {
		return d, errors.New("push: the repository has no address")
	}
	return d, nil
}

// newest finds the commit that the branch points to.
func (p payload) newest() *commit {
	if p.HeadCommit != nil && p.HeadCommit.ID == p.After {
		return p.HeadCommit
	}
	for i := range p.Commits {
		if p.Commits[i].ID == p.After {
			return &p.Commits[i]
		}
	}
	return nil
}

func fromForm(header http.Header, body []byte) ([]byte, bool) {
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	if media != "application/x-www-form-urlencoded" {
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, true
	}
	return []byte(form.Get("payload")), true
}
