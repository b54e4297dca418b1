// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const certificates = "/etc/ssl/certs/ca-certificates.crt"

// Program is an image of one statically linked program of Hydra's own. Its tag
// changes with the program, so that a node never runs an old one of the same
// name. ok is false where the program is not to be had.
func Program(program string, find func(string) (string, error)) (image Image, ok bool) {
	path, err := find(program)
	if err != nil {
		return Image{}, false
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return Image{}, false
	}
	source := fmt.Sprintf("%s %d %d", program, info.Size(), info.ModTime().Unix())
	sum := sha256.Sum256([]byte(source))
	return Image{
		Name:   "hydra/" + program + ":" + hex.EncodeToString(sum[:6]),
		Source: source,
		Layers: []Layer{base(), {dir("bin", 0o755), file("bin/"+program, path, 0o755)}},
		Config: v1.Config{Entrypoint: []string{"/bin/" + program}, User: "65532:65532"},
	}, true
}

// base is what a program expects around it.
func base() Layer {
	l := Layer{
		dir("etc", 0o755), dir("tmp", 0o1777),
		text("etc/passwd", "root:x:0:0:root:/root:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\nnonroot:x:65532:65532:nonroot:/:/bin/false\n"),
		text("etc/group", "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n"),
		text("etc/nsswitch.conf", "hosts: files dns\n"),
	}
	if _, err := os.Stat(certificates); err == nil {
		l = append(l, dir("etc/ssl", 0o755), dir("etc/ssl/certs", 0o755), file("etc/ssl/certs/ca-certificates.crt", certificates, 0o644))
	}
	return l
}
