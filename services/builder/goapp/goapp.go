// SPDX-License-Identifier: Apache-2.0

// Package goapp writes the Dockerfile of a Go module that has none: tests
// with -json, a static binary, an image of that binary, CA certificates and a
// user without rights.
//
// Only the step that downloads modules has a network. What it uses to get
// there, proxies and certificates, is mounted as secrets: they change neither
// the layers nor the cache keys. Downloads go to a layer, so that the later
// steps without a network always find them, and are kept in a cache mount
// beside it, so that a changed go.mod fetches only what is new. Cache mounts
// belong to one project: its tests could write to them.
//
// Tests and binary are compiled with the same flags, so that the packages they
// share are compiled once. Paths in the binary begin with /src, whatever the
// machine.
package goapp

import (
	"path"
	"slices"
	"strings"
	"text/template"

	"github.com/hydra-platform/hydra/services/builder/detect"
)

// Targets of the Dockerfile.
const (
	Test   = "test"
	Report = "test-report" // holds only [ReportFile]
	Image  = "image"
)

// ReportFile is what `go test -json` printed.
const ReportFile = "test.json"

// SecretCA is the secret with further CA certificates, PEM.
const SecretCA = "hydra-ca"

// secretEnv are the variables that the download step may get, by secret.
var secretEnv = [...]string{"GOPROXY", "GONOSUMDB", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}

// SecretEnv lists the environment variables that the download step takes.
func SecretEnv() []string { return slices.Clone(secretEnv[:]) }

// SecretOf names the secret that carries an environment variable.
func SecretOf(env string) string {
	return "hydra-" + strings.ToLower(strings.ReplaceAll(env, "_", "-"))
}

var tmpl = template.Must(template.New("Dockerfile").Funcs(template.FuncMap{"secret": SecretOf}).Parse(`
FROM {{.GoImage}} AS base
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOCACHE=/root/.cache/go-build GOMODCACHE=/go/pkg/mod
# Compiled packages that the image may come with; a WORKDIR makes the directory.
WORKDIR /root/.cache/go-build
FROM base AS source
WORKDIR /src/{{.Dir}}
{{- if .Apart}}
COPY {{.Manifests}} ./
{{template "download" .}}
COPY . /src
{{- else}}
COPY . /src
{{- if .Module.Requires}}
{{template "download" .}}
{{- end}}
{{- end}}

FROM source AS test
RUN --network=none --mount=type=cache,id={{.CacheID}}-build,target=/root/.cache/go-build,from=base,source=/root/.cache/go-build \
    mkdir -p /out && { GOPROXY=off go test -json ./...; echo $? > /out/code; } | tee /out/test.json; exit $(cat /out/code)

FROM scratch AS test-report
COPY --from=test /out/test.json /

FROM source AS compile
RUN --network=none --mount=type=cache,id={{.CacheID}}-build,target=/root/.cache/go-build,from=base,source=/root/.cache/go-build \
    mkdir -p /out && GOPROXY=off go build -ldflags="-s -w -buildid=" -o /out/app {{.Module.Package}}

FROM scratch AS image
COPY --from=base /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=compile /out/app /app
USER 65532:65532
ENTRYPOINT ["/app"]
{{- define "download" -}}
RUN --mount=type=cache,id={{.CacheID}}-mod,target=/hydra-mod,sharing=locked \
    --mount=type=secret,id=` + SecretCA + `,target=/etc/ssl/certs/hydra-ca.pem \
{{- range .SecretEnv}}
    --mount=type=secret,id={{secret .}},env={{.}} \
{{- end}}
    GOFLAGS=-modcacherw GOPROXY="file:///hydra-mod,$(go env GOPROXY)" go mod download \
    && cp -R /go/pkg/mod/cache/download/. /hydra-mod/
{{- end}}
`))

// Dockerfile returns the text for a module that [detect.Detect] found, which
// vouches for the names in it. project is whose caches are used.
func Dockerfile(m detect.GoModule, goImage, project string) string {
	dir := "."
	if m.Root != m.Dir { // Root is then the repository
		dir = m.Dir
	}
	manifests := path.Join(dir, "go.mod")
	if m.Sum {
		manifests += " " + path.Join(dir, "go.sum")
	}
	var out strings.Builder
	err := tmpl.Execute(&out, map[string]any{
		"GoImage": goImage, "CacheID": "hydra-" + project, "Dir": dir, "Module": m, "SecretEnv": secretEnv,
		// Downloading before the sources are there keeps the layer while
		// go.mod does not change; with local replacements it needs them.
		"Apart": m.Requires && m.Root == m.Dir, "Manifests": manifests,
	})
	if err != nil {
		panic(err) // the template is a constant and its data are strings
	}
	return strings.TrimLeft(out.String(), "\n")
}
