// SPDX-License-Identifier: Apache-2.0

package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// Limits of a repository; what is zero has a default.
type Limits struct {
	Bytes int64 // of all files, and of what is fetched; default 1 GiB
	Files int   // default 100,000
}

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 1 << 30
	}
	if l.Files <= 0 {
		l.Files = 100_000
	}
	return l
}

// limited ends a fetch that grows beyond the limit; a server decides how much
// it sends.
type limited struct {
	*filesystem.Storage
	left int64
}

// PackfileWriter is where go-git streams what the server sends.
func (l *limited) PackfileWriter() (io.WriteCloser, error) {
	w, err := l.Storage.PackfileWriter()
	if err != nil {
		return nil, err
	}
	return &limitedWriter{w, l}, nil
}

type limitedWriter struct {
	io.WriteCloser
	limit *limited
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if w.limit.left -= int64(len(p)); w.limit.left < 0 {
		return 0, fmt.Errorf("%w: the server sent more than the limit", ErrTooLarge)
	}
	return w.WriteCloser.Write(p)
}

// write writes the tree of a commit into dir. Everything goes through an
// os.Root, which no entry of a tree can leave, whatever it is called.
func (l Limits) write(ctx context.Context, commit *object.Commit, dir string) (files int, size int64, err error) {
	l = l.orDefault()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	tree, err := commit.Tree()
	if err != nil {
		return 0, 0, err
	}
	when := commit.Committer.When.UTC().Truncate(time.Second)
	var links []string
	walker := object.NewTreeWalker(tree, true, nil)
	defer walker.Close()
	for {
		if err := ctx.Err(); err != nil {
			return files, size, err
		}
		name, entry, err := walker.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return files, size, err
		}
		if entry.Mode == filemode.Dir || entry.Mode == filemode.Submodule {
			continue // submodules are another repository, which nobody allowed
		}
		blob, err := commitBlob(tree, entry)
		if err != nil {
			return files, size, fmt.Errorf("%s: %w", name, err)
		}
		files, size = files+1, size+blob.Size
		if files > l.Files || size > l.Bytes {
			return files, size, fmt.Errorf("%w: more than %d files or %d MiB", ErrTooLarge, l.Files, l.Bytes>>20)
		}
		if parent := path.Dir(name); parent != "." {
			if err := root.MkdirAll(filepath.FromSlash(parent), 0o755); err != nil {
				return files, size, err
			}
		}
		if entry.Mode == filemode.Symlink {
			links = append(links, name)
			err = writeLink(root, name, blob)
		} else {
			err = writeFile(root, name, blob, entry.Mode, when)
		}
		if err != nil {
			return files, size, fmt.Errorf("%s: %w", name, err)
		}
	}
	return files, size, stayInside(root, links)
}

func commitBlob(tree *object.Tree, entry object.TreeEntry) (*object.Blob, error) {
	file, err := tree.TreeEntryFile(&entry)
	if err != nil {
		return nil, err
	}
	return &file.Blob, nil
}

func writeFile(root *os.Root, name string, blob *object.Blob, mode filemode.FileMode, when time.Time) (err error) {
	perm := fs.FileMode(0o644)
	if mode == filemode.Executable {
		perm = 0o755
	}
	in, err := blob.Reader()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := root.OpenFile(filepath.FromSlash(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	// The umask must not decide about a bit of the image.
	if err := errors.Join(err, out.Chmod(perm), out.Close()); err != nil {
		return err
	}
	return root.Chtimes(filepath.FromSlash(name), when, when)
}

func writeLink(root *os.Root, name string, blob *object.Blob) (err error) {
	in, err := blob.Reader()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	target, err := io.ReadAll(io.LimitReader(in, 4097))
	if err != nil {
		return err
	}
	if len(target) == 0 || len(target) > 4096 {
		return fmt.Errorf("%w: a link of %d bytes", ErrRefused, blob.Size)
	}
	return root.Symlink(string(target), filepath.FromSlash(name))
}

// stayInside follows each link for real, because a chain of links that each
// look harmless can leave the tree. A link to nothing is left alone.
func stayInside(root *os.Root, links []string) error {
	for _, name := range links {
		_, err := root.Stat(filepath.FromSlash(name))
		if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
			continue
		}
		return fmt.Errorf("%w: link %s points outside of the repository", ErrRefused, name)
	}
	return nil
}
