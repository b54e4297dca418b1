// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A layer is a tar file on disk, stored as it is: packing takes longer than
// sending it over the loopback interface.
type layer struct {
	path string
	hash v1.Hash
	size int64
}

func (l *layer) Digest() (v1.Hash, error)             { return l.hash, nil }
func (l *layer) DiffID() (v1.Hash, error)             { return l.hash, nil }
func (l *layer) Compressed() (io.ReadCloser, error)   { return os.Open(l.path) }
func (l *layer) Uncompressed() (io.ReadCloser, error) { return os.Open(l.path) }
func (l *layer) Size() (int64, error)                 { return l.size, nil }
func (l *layer) MediaType() (types.MediaType, error)  { return types.OCIUncompressedLayer, nil }

// write makes a layer of what fill adds.
func write(path string, fill func(*tarWriter) error) (_ *layer, err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("make a layer: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := sha256.New()
	buffer := bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<20)
	t := &tarWriter{tar: tar.NewWriter(buffer)}
	if err := errors.Join(fill(t), t.tar.Close(), buffer.Flush()); err != nil {
		return nil, fmt.Errorf("make a layer: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("make a layer: %w", err)
	}
	return &layer{path: path, hash: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}, size: info.Size()}, nil
}

// tarWriter writes entries without times and owners, so that the same content
// is the same file. The first error sticks.
type tarWriter struct {
	tar *tar.Writer
	err error
}

func (t *tarWriter) header(h tar.Header) {
	if t.err == nil {
		h.Format = tar.FormatPAX
		t.err = t.tar.WriteHeader(&h)
	}
}

func (t *tarWriter) dir(name string, mode int64) {
	t.header(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode})
}

func (t *tarWriter) link(name, target string) {
	t.header(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777})
}

func (t *tarWriter) file(name, content string, mode int64) {
	t.header(tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: mode})
	if t.err == nil {
		_, t.err = io.WriteString(t.tar, content)
	}
}

func (t *tarWriter) copy(name, from string, mode fs.FileMode) {
	if t.err != nil {
		return
	}
	in, err := os.Open(from)
	if err != nil {
		t.err = err
		return
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		t.err = err
		return
	}
	t.header(tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: int64(mode.Perm())})
	if t.err == nil {
		_, t.err = io.Copy(t.tar, in)
	}
}
