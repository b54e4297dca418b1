// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/libs/auth"
)

// Forge is a bare repository with a work tree. Its post-receive hook sends
// the push that GitHub would send, signed with the webhook's secret.
type Forge struct {
	Bare string // what apps are built from
	Work string // where commits are made
}

// NewForge makes a repository in dir from the files of an example app.
func NewForge(ctx context.Context, dir, example string) (*Forge, error) {
	f := &Forge{Bare: filepath.Join(dir, "shop.git"), Work: filepath.Join(dir, "shop")}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	if _, err := f.git(ctx, dir, "init", "--quiet", "--bare", "--initial-branch=main", f.Bare); err != nil {
		return nil, err
	}
	if _, err := f.git(ctx, dir, "init", "--quiet", "--initial-branch=main", f.Work); err != nil {
		return nil, err
	}
	if err := copyTree(example, f.Work); err != nil {
		return nil, fmt.Errorf("copy %s: %w", example, err)
	}
	_, err := f.git(ctx, f.Work, "remote", "add", "origin", f.Bare)
	return f, err
}

// hookSettings is what the hook needs; the file is readable by its owner only.
type hookSettings struct {
	URL        string `json:"url"`
	Secret     string `json:"secret"`
	Repository string `json:"repository"`
}

// Connect makes every later push deliver to the webhook. program is run as
// `program hook FILE` with what git gives a post-receive hook.
func (f *Forge) Connect(hook api.Webhook, program string) error {
	settings, err := json.Marshal(hookSettings{URL: hook.URL, Secret: hook.Secret, Repository: f.Bare})
	if err != nil {
		return err
	}
	file := filepath.Join(f.Bare, "hydra-webhook.json")
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		return fmt.Errorf("write hook: %w", err)
	}
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' hook '%s'\n", program, file)
	if err := os.WriteFile(filepath.Join(f.Bare, "hooks", "post-receive"), []byte(script), 0o755); err != nil {
		return fmt.Errorf("write hook: %w", err)
	}
	return nil
}

// Commit changes files by edit, commits and pushes. It returns the commit's
// SHA and what the push printed.
func (f *Forge) Commit(ctx context.Context, message string, edit func(dir string) error) (sha, output string, err error) {
	if edit != nil {
		if err := edit(f.Work); err != nil {
			return "", "", fmt.Errorf("edit: %w", err)
		}
	}
	for _, args := range [][]string{{"add", "--all"}, {"commit", "--quiet", "--allow-empty", "-m", message}} {
		if _, err := f.git(ctx, f.Work, args...); err != nil {
			return "", "", err
		}
	}
	if output, err = f.git(ctx, f.Work, "push", "--quiet", "origin", "main"); err != nil {
		return "", "", err
	}
	sha, err = f.git(ctx, f.Work, "rev-parse", "HEAD")
	return strings.TrimSpace(sha), output, err
}

func (f *Forge) git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "user.name=Hydra demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = dir
	// The user's own configuration may ask for a signature or an editor.
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Deliver is the post-receive hook: it reads "old new ref" and sends the push
// as GitHub does (https://docs.github.com/webhooks, event push).
func Deliver(ctx context.Context, settingsFile, oldSHA, newSHA, ref string) (string, error) {
	data, err := os.ReadFile(settingsFile)
	if err != nil {
		return "", fmt.Errorf("read hook settings: %w", err)
	}
	var s hookSettings
	if err := json.Unmarshal(data, &s); err != nil {
		return "", fmt.Errorf("read hook settings: %w", err)
	}
	body, err := pushPayload(ctx, s.Repository, oldSHA, newSHA, ref)
	if err != nil {
		return "", err
	}
	return Send(ctx, s.URL, s.Secret, rand.Text(), body)
}

// Send posts a GitHub push with its signature and returns the answer's status.
func Send(ctx context.Context, url, secret, delivery string, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(string(body)))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "GitHub-Hookshot/demo")
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-GitHub-Delivery", delivery)
	req.Header.Set("X-Hub-Signature-256", "sha256="+auth.SignHMAC(secret, body))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("deliver push: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode/100 != 2 {
		return res.Status, fmt.Errorf("deliver push: the gateway answers %s", res.Status)
	}
	return res.Status, nil
}

func pushPayload(ctx context.Context, repository, oldSHA, newSHA, ref string) ([]byte, error) {
	f := &Forge{}
	shown, err := f.git(ctx, repository, "show", "--no-patch", "--format=%s%x00%cI%x00%an%x00%ae", newSHA)
	if err != nil {
		return nil, err
	}
	fields := strings.Split(strings.TrimSpace(shown), "\x00")
	if len(fields) != 4 {
		return nil, fmt.Errorf("read commit %s: unexpected answer of git", newSHA)
	}
	person := map[string]string{"name": fields[2], "email": fields[3]}
	commit := map[string]any{"id": newSHA, "message": fields[0], "timestamp": fields[1], "author": person, "committer": person}
	return json.Marshal(map[string]any{
		"ref": ref, "before": oldSHA, "after": newSHA, "deleted": false, "created": strings.Trim(oldSHA, "0") == "",
		"repository": map[string]any{
			"name": "shop", "full_name": "demo/shop", "clone_url": repository, "html_url": repository, "default_branch": "main",
		},
		"pusher": person, "head_commit": commit, "commits": []any{commit},
	})
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, info.Mode().Perm())
	})
}
