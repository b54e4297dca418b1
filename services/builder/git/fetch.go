// SPDX-License-Identifier: Apache-2.0

package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// Source fetches commits. The zero value allows no local repository.
type Source struct {
	Local       []string // directories below which repositories may be read
	Credentials *Credentials
	Limits      Limits
}

// Commit is what was found.
type Commit struct {
	SHA     string
	Message string // first line
	Author  string
	Time    time.Time // the committer's, to the second, UTC
	Files   int
	Bytes   int64
}

// Errors that no retry mends; test with errors.Is.
var (
	ErrRefused   = errors.New("repository refused")
	ErrNoCommit  = errors.New("commit not found")
	ErrNotPublic = errors.New("repository not found or not readable")
	ErrTooLarge  = errors.New("repository too large")
)

var hexSHA = regexp.MustCompile(`^[0-9a-f]{40}$`)

// Fetch writes the files of commit sha into dir, which must be empty. branch
// is where to look when the server gives out branches only; it may be empty.
func (s *Source) Fetch(ctx context.Context, repository, branch, sha, dir string) (Commit, error) {
	if !hexSHA.MatchString(sha) {
		return Commit{}, fmt.Errorf("%w: %q is not the SHA of a commit, want 40 hexadecimal digits", ErrNoCommit, sha)
	}
	repo, end, err := s.open(ctx, repository, branch, sha)
	if err != nil {
		return Commit{}, err
	}
	defer end()
	commit, err := repo.CommitObject(plumbing.NewHash(sha))
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return Commit{}, fmt.Errorf("%w: %s has no commit %s; was it pushed, or removed by a forced push?", ErrNoCommit, Public(repository), sha)
	}
	if err != nil {
		return Commit{}, fmt.Errorf("read commit %s: %w", sha, err)
	}
	found := describe(commit)
	found.Files, found.Bytes, err = s.Limits.write(ctx, commit, dir)
	if err != nil {
		return Commit{}, fmt.Errorf("write the files of commit %s: %w", sha, err)
	}
	return found, nil
}

func describe(c *object.Commit) Commit {
	message, _, _ := strings.Cut(c.Message, "\n")
	return Commit{SHA: c.Hash.String(), Message: message, Author: c.Author.Name, Time: c.Committer.When.UTC().Truncate(time.Second)}
}

// Head returns the newest commit of a branch, or of the default branch where
// branch is empty.
func (s *Source) Head(ctx context.Context, repository, branch string) (sha string, err error) {
	var refs []*plumbing.Reference
	path, isLocal, err := s.local(repository)
	switch {
	case err != nil:
		return "", err
	case isLocal:
		repo, err := gogit.PlainOpen(path)
		if err != nil {
			return "", fmt.Errorf("%w: %s: %w", ErrNotPublic, repository, err)
		}
		iter, err := repo.References()
		if err != nil {
			return "", fmt.Errorf("list branches of %s: %w", repository, err)
		}
		if err := iter.ForEach(func(r *plumbing.Reference) error { refs = append(refs, r); return nil }); err != nil {
			return "", fmt.Errorf("list branches of %s: %w", repository, err)
		}
	default:
		remote, auth, err := s.remote(repository, nil)
		if err != nil {
			return "", err
		}
		if refs, err = remote.ListContext(ctx, &gogit.ListOptions{Auth: auth}); err != nil {
			return "", s.explain(repository, err)
		}
	}
	byName := map[plumbing.ReferenceName]*plumbing.Reference{}
	for _, r := range refs {
		byName[r.Name()] = r
	}
	name := plumbing.HEAD
	if branch != "" {
		name = plumbing.NewBranchReferenceName(branch)
	}
	ref := byName[name]
	for range 5 { // HEAD may point at a name, and that at another
		if ref == nil || ref.Type() == plumbing.HashReference {
			break
		}
		ref = byName[ref.Target()]
	}
	if ref == nil {
		return "", fmt.Errorf("%w: %s has no branch %q", ErrNoCommit, Public(repository), name.Short())
	}
	return ref.Hash().String(), nil
}

// open returns a repository that holds the commit if there is one.
func (s *Source) open(ctx context.Context, repository, branch, sha string) (*gogit.Repository, func(), error) {
	path, isLocal, err := s.local(repository)
	if err != nil {
		return nil, nil, err
	}
	if isLocal {
		repo, err := gogit.PlainOpenWithOptions(path, &gogit.PlainOpenOptions{EnableDotGitCommonDir: true})
		if err != nil {
			return nil, nil, fmt.Errorf("%w: open %s: %w", ErrNotPublic, repository, err)
		}
		return repo, func() {}, nil
	}
	tmp, err := os.MkdirTemp("", "hydra-git-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a directory for the repository: %w", err)
	}
	end := func() { _ = os.RemoveAll(tmp) }
	storage := &limited{filesystem.NewStorage(osfs.New(filepath.Join(tmp, "git")), cache.NewObjectLRU(16*cache.MiByte)), s.Limits.orDefault().Bytes}
	if err := s.fetch(ctx, repository, branch, sha, storage); err != nil {
		end()
		return nil, nil, err
	}
	repo, err := gogit.Open(storage, nil)
	if err != nil {
		end()
		return nil, nil, fmt.Errorf("open what was fetched of %s: %w", Public(repository), err)
	}
	return repo, end, nil
}

// fetch asks for the commit alone, and for the whole branch where the server
// does not give out single commits.
func (s *Source) fetch(ctx context.Context, repository, branch, sha string, storage *limited) error {
	remote, auth, err := s.remote(repository, storage)
	if err != nil {
		return err
	}
	if _, err := gogit.Init(storage, nil); err != nil {
		return fmt.Errorf("prepare a repository: %w", err)
	}
	opts := gogit.FetchOptions{Auth: auth, Depth: 1, Tags: gogit.NoTags, RefSpecs: []config.RefSpec{config.RefSpec(sha + ":refs/heads/hydra")}}
	err = remote.FetchContext(ctx, &opts)
	if err == nil || errors.Is(err, gogit.NoErrAlreadyUpToDate) {
		return nil
	}
	if ctx.Err() != nil || errors.Is(err, ErrTooLarge) || isMissing(err) {
		return s.explain(repository, err)
	}
	refs := config.RefSpec("+refs/heads/*:refs/remotes/origin/*")
	if branch != "" {
		refs = config.RefSpec("+refs/heads/" + branch + ":refs/remotes/origin/" + branch)
	}
	opts.RefSpecs, opts.Depth = []config.RefSpec{refs}, 0
	err = remote.FetchContext(ctx, &opts)
	switch {
	case err == nil || errors.Is(err, gogit.NoErrAlreadyUpToDate):
		return nil
	case errors.As(err, new(gogit.NoMatchingRefSpecError)):
		return fmt.Errorf("%w: %s has no branch %q that could hold %s", ErrNoCommit, Public(repository), branch, sha)
	}
	return s.explain(repository, err)
}

func isMissing(err error) bool {
	return errors.Is(err, transport.ErrRepositoryNotFound) || errors.Is(err, transport.ErrAuthenticationRequired) ||
		errors.Is(err, transport.ErrAuthorizationFailed) || errors.Is(err, transport.ErrEmptyRemoteRepository)
}

// explain words an error for a person, without credentials.
func (s *Source) explain(repository string, err error) error {
	name := Public(repository)
	text := err.Error()
	for _, secret := range append(s.Credentials.Secrets(), userinfo(repository)...) {
		text = strings.ReplaceAll(text, secret, "***")
	}
	switch {
	case errors.Is(err, ErrTooLarge):
		return fmt.Errorf("fetch %s: %w", name, err)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return fmt.Errorf("%w: %s is empty; push a commit first", ErrNoCommit, name)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("%w: %s: %s; check the address, and give the builder credentials if it is private", ErrNotPublic, name, text)
	case isMissing(err):
		return fmt.Errorf("%w: %s: %s; give the builder credentials for this host", ErrNotPublic, name, text)
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("fetch %s: %w", name, err)
	}
	return fmt.Errorf("fetch %s: %s", name, text)
}

func (s *Source) remote(repository string, storage *limited) (*gogit.Remote, transport.AuthMethod, error) {
	address, auth, err := s.Credentials.For(repository)
	if err != nil {
		return nil, nil, err
	}
	remote := &config.RemoteConfig{Name: "origin", URLs: []string{address}}
	if storage == nil {
		return gogit.NewRemote(nil, remote), auth, nil
	}
	return gogit.NewRemote(storage, remote), auth, nil
}
