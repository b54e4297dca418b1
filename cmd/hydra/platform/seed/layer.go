// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Layer is a list of things that a layer holds, in this order.
type Layer []Entry

// Entry writes something into a layer.
type Entry func(*tar.Writer) error

// open returns the layer's bytes as they are made, so that a large one is
// never in memory.
func (l Layer) open() io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		t := tar.NewWriter(w)
		for _, write := range l {
			if err := write(t); err != nil {
				_ = w.CloseWithError(err)
				return
			}
		}
		_ = w.CloseWithError(t.Close())
	}()
	return r
}

// dir makes an empty directory.
func dir(name string, mode int64) Entry {
	return func(t *tar.Writer) error {
		return t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, ModTime: epoch})
	}
}

// text makes a small file.
func text(name, content string) Entry {
	return func(t *tar.Writer) error {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: epoch}); err != nil {
			return err
		}
		_, err := io.WriteString(t, content)
		return err
	}
}

// link makes a symbolic link.
func link(name, target string) Entry {
	return func(t *tar.Writer) error {
		return t.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777, ModTime: epoch})
	}
}

// file copies one file.
func file(name, from string, mode int64) Entry {
	return func(t *tar.Writer) error { return copyFile(t, name, from, mode) }
}

func copyFile(t *tar.Writer, name, from string, mode int64) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if mode == 0 {
		mode = 0o644
		if info.Mode()&0o111 != 0 {
			mode = 0o755
		}
	}
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: info.Size(), ModTime: epoch}); err != nil {
		return err
	}
	if _, err := io.Copy(t, f); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}

// tree copies a directory, in the order of its names. What is not listed in
// the directory as a file, a directory or a link is left out, and so is what
// skip says.
func tree(name, from string, skip func(rel string) bool) Entry {
	return func(t *tar.Writer) error {
		return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(from, p)
			if err != nil {
				return err
			}
			if rel != "." && skip(rel) {
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			target := path.Join(name, filepath.ToSlash(rel))
			switch {
			case d.IsDir():
				return dir(target, 0o755)(t)
			case d.Type()&fs.ModeSymlink != 0:
				to, err := os.Readlink(p)
				if err != nil {
					return err
				}
				return link(target, to)(t)
			case d.Type().IsRegular():
				return copyFile(t, target, p, 0)
			}
			return nil
		})
	}
}

// exists reports whether a file is there; only a missing one is no error.
func exists(p string) bool {
	_, err := os.Stat(p)
	return !errors.Is(err, fs.ErrNotExist)
}

// stamp identifies a file without reading it.
func stamp(p string) string {
	info, err := os.Stat(p)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s %d %d", strings.TrimPrefix(filepath.Base(p), "/"), info.Size(), info.ModTime().Unix())
}
