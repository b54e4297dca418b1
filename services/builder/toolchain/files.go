// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// shellFiles are a shell with the usual commands, certificates and users.
func shellFiles(t *tarWriter) error {
	busybox, err := findBusybox()
	if err != nil {
		return err
	}
	applets, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		return fmt.Errorf("list the commands of %s: %w", busybox, err)
	}
	t.dir("bin", 0o755)
	t.copy("bin/busybox", busybox, 0o755)
	names := strings.Fields(string(applets))
	slices.Sort(names)
	for _, n := range names {
		if n != "busybox" {
			t.link("bin/"+n, "busybox")
		}
	}
	t.dir("etc", 0o755)
	t.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\nnonroot:x:65532:65532:nonroot:/home/nonroot:/bin/false\n", 0o644)
	t.file("etc/group", "root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n", 0o644)
	for _, bundle := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"} {
		if _, err := os.Stat(bundle); err == nil {
			for _, dir := range []string{"etc/ssl", "etc/ssl/certs"} {
				t.dir(dir, 0o755)
			}
			t.copy("etc/ssl/certs/ca-certificates.crt", bundle, 0o644)
			break
		}
	}
	t.dir("root", 0o700)
	t.dir("tmp", 0o1777)
	t.dir("usr", 0o755)
	t.dir("usr/bin", 0o755)
	t.link("usr/bin/env", "/bin/busybox")
	return t.err
}

func findBusybox() (string, error) {
	for _, p := range []string{"/bin/busybox", "/usr/bin/busybox"} {
		if static(p) == nil {
			return p, nil
		}
	}
	return "", errors.New("no static busybox on this machine; install the package busybox-static")
}

// unused are the parts of a GOROOT that building and testing do without.
var unused = [...]string{"api", "doc", "misc", "test", "src/cmd", "lib/wasm", "lib/fips140", "pkg/obj", "pkg/bootstrap"}

// tools are the programs that go build, test and vet run.
var tools = [...]string{"asm", "compile", "cover", "link", "preprofile", "vet", "buildid", "test2json"}

// goFiles is what building and testing need of a GOROOT. Links are followed:
// distributions assemble a GOROOT from several directories.
func goFiles(t *tarWriter, goroot string) error {
	t.dir("usr", 0o755)
	t.dir("usr/local", 0o755)
	for _, dir := range []string{"go", "go/bin", "go/src", "go/pkg"} {
		t.dir(dir, 0o1777)
	}
	if err := t.tree("usr/local/go", goroot, func(rel string, d fs.FileInfo) bool {
		base := path.Base(rel)
		switch {
		case slices.Contains(unused[:], rel), strings.HasPrefix(base, "."):
			return false
		case d.IsDir():
			return base != "testdata"
		case strings.HasPrefix(rel, "pkg/tool/"):
			return slices.Contains(tools[:], base)
		case strings.HasPrefix(rel, "src/"):
			return !strings.HasSuffix(base, "_test.go")
		case strings.HasPrefix(rel, "bin/"):
			return base == "go" || base == "gofmt"
		}
		return true
	}); err != nil {
		return err
	}
	return t.err
}

// tree adds a directory and what is below it, in the order of the names.
func (t *tarWriter) tree(to, from string, keep func(rel string, info fs.FileInfo) bool) error {
	var walk func(rel string) error
	walk = func(rel string) error {
		source := filepath.Join(from, filepath.FromSlash(rel))
		info, err := os.Stat(source)
		if err != nil {
			return err
		}
		if rel != "" && !keep(rel, info) {
			return t.err
		}
		name := path.Join(to, rel)
		switch {
		case info.Mode().IsRegular():
			t.copy(name, source, info.Mode().Perm()&0o111|0o644)
			return t.err
		case !info.IsDir():
			return t.err
		}
		t.dir(name, 0o755)
		entries, err := os.ReadDir(source)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := walk(path.Join(rel, e.Name())); err != nil {
				return err
			}
		}
		return t.err
	}
	if err := walk(""); err != nil {
		return fmt.Errorf("pack %s: %w", from, err)
	}
	return nil
}
