// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/delivery"
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

// Deliver is the post-receive hook: it sends the push as GitHub does.
func Deliver(ctx context.Context, settingsFile, newSHA, ref string) error {
	data, err := os.ReadFile(settingsFile)
	if err != nil {
		return fmt.Errorf("read hook settings: %w", err)
	}
	var s hookSettings
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("read hook settings: %w", err)
	}
	push, err := readPush(ctx, s.Repository, newSHA, ref)
	if err != nil {
		return err
	}
	header, body, err := delivery.New("github", s.Secret, &push)
	if err != nil {
		return err
	}
	if _, err := (&api.Client{Agent: "hydra-demo"}).Deliver(ctx, s.URL, header, body); err != nil {
		return fmt.Errorf("deliver push: %w", err)
	}
	return nil
}

// readPush asks the repository what was pushed.
func readPush(ctx context.Context, repository, sha, ref string) (delivery.Push, error) {
	f := &Forge{}
	shown, err := f.git(ctx, repository, "show", "--no-patch", "--format=%s%x00%cI%x00%an%x00%ae", sha)
	if err != nil {
		return delivery.Push{}, err
	}
	fields := strings.Split(strings.TrimSpace(shown), "\x00")
	if len(fields) != 4 {
		return delivery.Push{}, fmt.Errorf("read commit %s: unexpected answer of git", sha)
	}
	at, err := time.Parse(time.RFC3339, fields[1])
	if err != nil {
		return delivery.Push{}, fmt.Errorf("read commit %s: %w", sha, err)
	}
	return delivery.Push{
		Repository: repository, Branch: strings.TrimPrefix(ref, "refs/heads/"), SHA: sha,
		Message: fields[0], Time: at, Author: fields[2], Email: fields[3],
	}, nil
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
