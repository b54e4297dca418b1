// SPDX-License-Identifier: Apache-2.0

// Package github reads the webhooks of GitHub.
package github

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

const prefix = "sha256="

// Verify checks X-Hub-Signature-256 over the raw body. The older SHA-1
// signature is not accepted.
func Verify(secret string, header http.Header, body []byte) error {
	given := header.Get("X-Hub-Signature-256")
	if given == "" {
		return forge.ErrMissing
	}
	digest, ok := strings.CutPrefix(given, prefix)
	if !ok || len(digest) != 64 {
		return forge.ErrMalformed
	}
	if secret == "" || !auth.VerifyHMAC(secret, body, digest) {
		return forge.ErrWrong
	}
	return nil
}

// payload is what is read of a push.
type payload struct {
	Ref        string `json:"ref"`
	After      string `json:"after"`
	Deleted    bool   `json:"deleted"`
	HeadCommit *struct {
		ID        string    `json:"id"`
		Message   string    `json:"message"`
		Timestamp time.Time `json:"timestamp"`
		Author    struct {
			Name     string `json:"name"`
			Username string `json:"username"`
		} `json:"author"`
	} `json:"head_commit"`
	Repository struct {
		CloneURL string `json:"clone_url"`
		SSHURL   string `json:"ssh_url"`
		HTMLURL  string `json:"html_url"`
		GitURL   string `json:"git_url"`
	} `json:"repository"`
}

// Parse reads a delivery whose signature was checked. The body is JSON, or a
// form whose field payload is.
func Parse(header http.Header, body []byte) (forge.Delivery, error) {
	d := forge.Delivery{ID: header.Get("X-GitHub-Delivery"), Event: header.Get("X-GitHub-Event")}
	switch {
	case d.Event == "":
		return d, errors.New("header X-GitHub-Event is missing; is this a webhook of GitHub?")
	case d.ID == "":
		return d, errors.New("header X-GitHub-Delivery is missing")
	}
	body, err := unwrap(header, body)
	if err != nil {
		return d, err
	}
	if !json.Valid(body) {
		return d, errors.New("the body is not JSON")
	}
	if d.Event == "ping" {
		d.Ping = true
		return d, nil
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
	if ignored != "" || p.Deleted {
		d.Ignored = ignored
		if ignored == "" {
			d.Ignored = "the branch was deleted"
		}
		return d, nil
	}
	if !forge.SHA(p.After) {
		return d, fmt.Errorf("push: after %.80q is no commit", p.After)
	}
	commit := events.Commit{Repository: forge.WithoutCredentials(p.Repository.CloneURL), Branch: branch, SHA: p.After}
	if h := p.HeadCommit; h != nil && h.ID == p.After {
		commit.Message, commit.Author, commit.Time = forge.FirstLine(h.Message), h.Author.Name, h.Timestamp.UTC()
		if commit.Author == "" {
			commit.Author = h.Author.Username
		}
	}
	r := p.Repository
	d.Push = &forge.Push{Branch: branch, Commit: commit, URLs: forge.NonEmpty(r.CloneURL, r.SSHURL, r.HTMLURL, r.GitURL)}
	if len(d.Push.URLs) == 0 {
		return d, errors.New("push: the repository has no address")
	}
	return d, nil
}

func unwrap(header http.Header, body []byte) ([]byte, error) {
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	if media != "application/x-www-form-urlencoded" {
		return body, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("payload") == "" {
		return nil, errors.New("the form has no field payload; choose application/json as the webhook's content type")
	}
	return []byte(form.Get("payload")), nil
}
