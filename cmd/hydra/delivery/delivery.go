// SPDX-License-Identifier: Apache-2.0

// Package delivery makes the webhook deliveries that forges make, signed as
// they sign them, so that a webhook can be tried without the forge.
package delivery

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hydra-platform/hydra/libs/auth"
)

// Push is a commit that arrived on a branch.
type Push struct {
	Repository string // clone URL or path
	Branch     string
	SHA        string
	Message    string
	Author     string
	Email      string
	Time       time.Time
}

// Providers lists the forges that are known.
func Providers() []string { return []string{"github", "gitlab", "gitea"} }

// New returns headers and body of a push, or with nil of what the forge sends
// when the webhook is tried there.
func New(provider, secret string, p *Push) (http.Header, []byte, error) {
	id := rand.Text()
	header := http.Header{}
	var payload any
	switch provider {
	case "github", "gitea":
		payload = map[string]any{"zen": "Keep it logically awesome.", "hook_id": 1}
		event := "ping"
		if p != nil {
			event, payload = "push", githubPush(*p)
		}
		prefix := "X-GitHub-"
		if provider == "gitea" {
			prefix = "X-Gitea-"
		}
		header.Set(prefix+"Event", event)
		header.Set(prefix+"Delivery", id)
	case "gitlab":
		if p == nil {
			return nil, nil, fmt.Errorf("gitlab has no ping: give a commit with --repo and --sha")
		}
		payload = gitlabPush(*p)
		header.Set("X-Gitlab-Event", "Push Hook")
		header.Set("X-Gitlab-Event-UUID", id)
		header.Set("X-Gitlab-Webhook-UUID", id)
		header.Set("Idempotency-Key", id)
		header.Set("X-Gitlab-Token", secret)
	default:
		return nil, nil, fmt.Errorf("provider %q: choose from %s", provider, strings.Join(Providers(), ", "))
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, nil, fmt.Errorf("write delivery: %w", err)
	}
	switch provider {
	case "github":
		header.Set("X-Hub-Signature-256", "sha256="+auth.SignHMAC(secret, body))
	case "gitea":
		header.Set("X-Gitea-Signature", auth.SignHMAC(secret, body))
	}
	return header, body, nil
}

const nothing = "0000000000000000000000000000000000000000"

func githubPush(p Push) any {
	commit := map[string]any{
		"id": p.SHA, "message": p.Message, "timestamp": p.Time.Format(time.RFC3339),
		"author": map[string]any{"name": p.Author, "email": p.Email}, "committer": map[string]any{"name": p.Author, "email": p.Email},
	}
	return map[string]any{
		"ref": "refs/heads/" + p.Branch, "before": nothing, "after": p.SHA, "created": false, "deleted": false, "forced": false,
		"repository": map[string]any{
			"id": 1, "name": name(p.Repository), "full_name": "local/" + name(p.Repository), "clone_url": p.Repository, "html_url": p.Repository,
			"ssh_url": "", "git_url": "", "default_branch": p.Branch, "private": true,
		},
		"pusher": map[string]any{"name": p.Author, "email": p.Email}, "sender": map[string]any{"login": p.Author},
		"head_commit": commit, "commits": []any{commit},
	}
}

func gitlabPush(p Push) any {
	commit := map[string]any{
		"id": p.SHA, "message": p.Message, "title": p.Message, "timestamp": p.Time.Format(time.RFC3339),
		"author": map[string]any{"name": p.Author, "email": p.Email},
	}
	return map[string]any{
		"object_kind": "push", "event_name": "push", "ref": "refs/heads/" + p.Branch, "before": nothing, "after": p.SHA, "checkout_sha": p.SHA,
		"user_name": p.Author, "user_username": p.Author, "total_commits_count": 1, "commits": []any{commit},
		"project": map[string]any{
			"id": 1, "name": name(p.Repository), "path_with_namespace": "local/" + name(p.Repository), "git_http_url": p.Repository,
			"git_ssh_url": "", "web_url": p.Repository, "default_branch": p.Branch, "http_url": p.Repository,
		},
	}
}

// name is the last element of a repository's address.
func name(repository string) string {
	repository = strings.TrimSuffix(strings.TrimRight(repository, "/"), ".git")
	return repository[strings.LastIndexAny(repository, "/:")+1:]
}
