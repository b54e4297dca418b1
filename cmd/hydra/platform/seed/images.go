// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Images lists what is made here. find looks for one of Hydra's own programs.
func Images(find func(program string) (string, error)) []Image {
	shell := busybox()
	images := []Image{shell, golang(shell)}
	for _, program := range []string{"prometheus", "collector"} {
		images = append(images, single(program, find))
	}
	return images
}

const certificates = "/etc/ssl/certs/ca-certificates.crt"

// base is what every program expects around it.
func base() Layer {
	l := Layer{
		dir("etc", 0o755), dir("tmp", 0o1777), dir("root", 0o700), dir("home", 0o755), dir("home/nonroot", 0o755),
		text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\nnonroot:x:65532:65532:nonroot:/home/nonroot:/bin/false\n"),
		text("etc/group", "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n"),
		text("etc/nsswitch.conf", "hosts: files dns\n"),
	}
	if exists(certificates) {
		l = append(l, dir("etc/ssl", 0o755), dir("etc/ssl/certs", 0o755), file("etc/ssl/certs/ca-certificates.crt", certificates, 0o644))
	}
	return l
}

// busybox is a shell for RUN, from the statically linked program that Debian's
// busybox-static and others install.
func busybox() Image {
	image := Image{Name: "mirror/docker.io/library/busybox:latest"}
	program := ""
	for _, p := range []string{"/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox"} {
		if exists(p) {
			program = p
			break
		}
	}
	if program == "" {
		return image
	}
	applets, err := exec.Command(program, "--list").Output()
	if err != nil {
		return image
	}
	layer := append(base(), dir("bin", 0o755), file("bin/busybox", program, 0o755))
	for name := range strings.FieldsSeq(string(applets)) {
		if name != "busybox" && !strings.Contains(name, "/") {
			layer = append(layer, link("bin/"+name, "busybox"))
		}
	}
	layer = append(layer, dir("usr", 0o755), dir("usr/bin", 0o755), link("usr/bin/env", "../../bin/busybox"))
	image.Source, image.Layers = stamp(program), []Layer{layer}
	image.Config = v1.Config{Cmd: []string{"sh"}, Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}}
	return image
}

// golang is the toolchain of this machine on top of the shell, under the name
// of the official image.
func golang(shell Image) Image {
	image := Image{Name: "mirror/docker.io/library/golang:1.26"}
	if shell.Source == "" {
		return image
	}
	root, version := goRoot()
	if root == "" {
		return image
	}
	skip := func(rel string) bool {
		top, _, _ := strings.Cut(rel, string(filepath.Separator))
		switch top {
		case "test", "api", "doc", "misc", ".git":
			return true
		}
		// Packages are compiled for the build at hand, and tests of the
		// standard library are nobody's but its own.
		return strings.HasPrefix(rel, "pkg/linux_") || strings.HasSuffix(rel, "_test.go") || strings.Contains(rel, "/testdata/") || strings.HasSuffix(rel, "/testdata")
	}
	image.Source = version + ", " + shell.Source
	image.Layers = append(append([]Layer{}, shell.Layers...), Layer{
		dir("usr", 0o755), dir("usr/local", 0o755), tree("usr/local/go", root, skip), dir("go", 0o777), dir("go/bin", 0o777), dir("go/src", 0o777),
	})
	image.Config = v1.Config{
		Cmd: []string{"sh"}, WorkingDir: "/go",
		Env: []string{
			"PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"GOPATH=/go", "GOTOOLCHAIN=local", "CGO_ENABLED=0",
		},
	}
	return image
}

// goRoot is the toolchain's directory and version, or nothing where there is
// none, or one whose programs need this machine's libraries.
func goRoot() (root, version string) {
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	lines := strings.Fields(string(out))
	if err != nil || len(lines) != 2 || !strings.HasPrefix(lines[1], "go1.26") {
		return "", ""
	}
	return lines[0], lines[1]
}

// single is an image of one statically linked program.
func single(program string, find func(string) (string, error)) Image {
	image := Image{Name: "hydra/" + program + ":latest"}
	path, err := find(program)
	if err != nil {
		return image
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return image
	}
	image.Source = stamp(path)
	image.Layers = []Layer{base(), {dir("bin", 0o755), file("bin/"+program, path, 0o755)}}
	image.Config = v1.Config{Entrypoint: []string{"/bin/" + program}, User: "65532:65532"}
	return image
}
