// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
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

// file copies one file.
func file(name, from string, mode int64) Entry {
	return func(t *tar.Writer) error {
		f, err := os.Open(from)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: info.Size(), ModTime: epoch}); err != nil {
			return err
		}
		if _, err := io.Copy(t, f); err != nil {
			return fmt.Errorf("copy %s: %w", from, err)
		}
		return nil
	}
}
