// SPDX-License-Identifier: Apache-2.0

// Package gitlab reads the webhooks of GitLab.
package gitlab

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/auth"
	"github.com/hydra-platform/hydra/services/gateway/forge"
)

// Verify checks the signature of Standard Webhooks where there is one, and
// otherwise the secret that GitLab sends in X-Gitlab-Token. A wrong signature
// is not made good by a right token.
func Verify(secret string, header http.Header, body []byte) error {
	if header.Get(standardwebhooks.HeaderWebhookSignature) != "" {
		return verifySignature(secret, header, body)
	}
	token := header.Get("X-Gitlab-Token")
	if token == "" {
		return forge.ErrMissing
	}
	if secret == "" || !auth.Equal(token, secret) {
		return forge.ErrWrong
	}
	return nil
}

func verifySignature(secret string, header http.Header, body []byte) error {
	if !strings.HasPrefix(secret, "whsec_") || len(secret) < 32 {
		return fmt.Errorf("%w: it is signed, but the webhook's secret is no signing key (whsec_...)", forge.ErrWrong)
	}
	key, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return fmt.Errorf("%w: the webhook's secret is no signing key", forge.ErrWrong)
	}
	switch err := key.Verify(body, header); {
	case err == nil:
		return nil
	case errors.Is(err, standardwebhooks.ErrRequiredHeaders):
		return forge.ErrMissing
	case errors.Is(err, standardwebhooks.ErrInvalidHeaders):
		return forge.ErrMalformed
	case errors.Is(err, standardwebhooks.ErrMessageTooOld), errors.Is(err, standardwebhooks.ErrMessageTooNew):
		return forge.ErrExpired
	}
	return forge.ErrWrong
}

// payload is what is read of a push.
type payload struct {
	Ref         string `json:"ref"`
	After       string `json:"after"`
	CheckoutSHA string `json:"checkout_sha"`
	UserName    string `json:"user_name"`
	Project     struct {
		WebURL  string `json:"web_url"`
		HTTPURL string `json:"git_http_url"`
		SSHURL  string `json:"git_ssh_url"`
	} `json:"project"`
	Commits []struct {
		ID        string    `json:"id"`
		Message   string    `json:"message"`
		Timestamp time.Time `json:"timestamp"`
		Author    struct {
			Name string `json:"name"`
		} `json:"author"`
	} `json:"commits"`
}

// Parse reads a delivery that was verified.
func Parse(header http.Header, body []byte) (forge.Delivery, error) {
	d := forge.Delivery{ID: deliveryID(header, body), Event: header.Get("X-Gitlab-Event")}
	if d.Event == "" {
		return d, errors.New("header X-Gitlab-Event is missing; is this a webhook of GitLab?")
	}
	if !json.Valid(body) {
		return d, errors.New("the body is not JSON")
	}
	if d.Event != "Push Hook" {
		d.Ignored = fmt.Sprintf("event %.60q is not used; only Push Hook is", d.Event)
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
	commit := events.Commit{Repository: forge.WithoutCredentials(p.Project.HTTPURL), Branch: branch, SHA: p.After, Author: p.UserName}
	for _, c := range p.Commits {
		if c.ID == p.After {
			commit.Message, commit.Author, commit.Time = forge.FirstLine(c.Message), c.Author.Name, c.Timestamp.UTC()
		}
	}
	d.Push = &forge.Push{Branch: branch, Commit: commit, URLs: forge.NonEmpty(p.Project.HTTPURL, p.Project.SSHURL, p.Project.WebURL)}
	if len(d.Push.URLs) == 0 {
		return d, errors.New("push: the project has no address")
	}
	return d, nil
}

// deliveryID is the id that stays when GitLab delivers again. Older versions
// send only an id that several events may share, so the body goes with it.
func deliveryID(header http.Header, body []byte) string {
	for _, name := range []string{"Webhook-Id", "Idempotency-Key"} {
		if id := header.Get(name); id != "" {
			return id
		}
	}
	sum := sha256.Sum256(body)
	return header.Get("X-Gitlab-Event-UUID") + "/" + hex.EncodeToString(sum[:16])
}
