// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/hydra-platform/hydra/test/journey"
)

// hand does what a person does without Hydra: the same commit, the same
// stages, the same BuildKit, registry and cluster, with the tools that people
// use: git, buildctl, kubectl, curl.
type hand struct {
	bin, work, registry, socket, kubeconfig string
	visitor                                 journey.Visitor
	forge                                   *journey.Forge
	url                                     string
}

const handDockerfile = `FROM golang:1.26 AS base
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOPROXY=off
WORKDIR /src
COPY . .
FROM base AS test
RUN --network=none --mount=type=cache,target=/root/.cache/go-build go test ./... && touch /tested
FROM base AS compile
RUN --network=none --mount=type=cache,target=/root/.cache/go-build go build -trimpath -ldflags="-s -w" -o /app .
FROM scratch
COPY --from=test /tested /tested
COPY --from=compile /app /app
USER 65532:65532
ENTRYPOINT ["/app"]
`

func newHand(ctx context.Context, bin, root string, hydra journey.Instance, story *journey.Story) (*hand, error) {
	state, err := hydra.Status(ctx)
	if err != nil {
		return nil, err
	}
	work := filepath.Join(filepath.Dir(story.Forge.Work), "byhand")
	forge, err := journey.NewForge(ctx, work, filepath.Join(root, "examples", "apps", "hello-go"))
	if err != nil {
		return nil, err
	}
	h := &hand{
		bin: bin, work: work, forge: forge, visitor: story.Visitor, registry: state.Registry,
		socket: "unix://" + filepath.Join(hydra.DataDir, "buildkit", "buildkitd.sock"), kubeconfig: filepath.Join(hydra.DataDir, "kubeconfig"),
		url: strings.Replace(story.URL, "hello.bench", "byhand.bench", 1),
	}
	for name, from := range map[string][2]string{
		"kubectl":  {"test/kubectl", "k8s.io/kubernetes/cmd/kubectl"},
		"buildctl": {"parts/buildkit", "github.com/moby/buildkit/cmd/buildctl"},
	} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(bin, name), from[1])
		build.Dir = filepath.Join(root, from[0])
		build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(forge.Work, "Dockerfile"), []byte(handDockerfile), 0o644); err != nil {
		return nil, err
	}
	_, err = h.round(ctx, "handwarm")
	return h, err
}

// round is one change: commit, clone, build, test, push, apply, wait, curl.
func (h *hand) round(ctx context.Context, version string) (float64, error) {
	begin := time.Now()
	sha, _, err := h.forge.Commit(ctx, version, setVersion(version))
	if err != nil {
		return 0, err
	}
	clone := filepath.Join(h.work, "clone-"+version)
	metadata := filepath.Join(h.work, version+".json")
	image := h.registry + "/byhand/hello"
	if err := h.command(ctx, "git", "clone", "--quiet", "--depth=1", "file://"+h.forge.Bare, clone); err != nil {
		return 0, err
	}
	if err := h.command(ctx, filepath.Join(h.bin, "buildctl"), "--addr", h.socket, "build", "--progress=plain", "--frontend=dockerfile.v0",
		"--local", "context="+clone, "--local", "dockerfile="+clone, "--metadata-file", metadata,
		"--output", "type=image,name="+image+":"+sha+",push=true,registry.insecure=true"); err != nil {
		return 0, err
	}
	digest, err := digestOf(metadata)
	if err != nil {
		return 0, err
	}
	manifest := filepath.Join(h.work, version+".yaml")
	host := strings.TrimPrefix(h.url, "http://")
	host, _, _ = strings.Cut(host, ":")
	if err := os.WriteFile(manifest, fmt.Appendf(nil, handManifest, image+"@"+digest, host), 0o644); err != nil {
		return 0, err
	}
	if err := h.kubectl(ctx, "apply", "-f", manifest); err != nil {
		return 0, err
	}
	if err := h.kubectl(ctx, "rollout", "status", "deployment/byhand", "-n", "hydra-bench", "--timeout=120s"); err != nil {
		return 0, err
	}
	err = answers(ctx, h.visitor, h.url+"/", version)
	return time.Since(begin).Seconds(), err
}

func (h *hand) kubectl(ctx context.Context, args ...string) error {
	return h.command(ctx, filepath.Join(h.bin, "kubectl"), append([]string{"--kubeconfig", h.kubeconfig}, args...)...)
}

func (h *hand) command(ctx context.Context, program string, args ...string) error {
	if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), args[0], err, out)
	}
	return nil
}

var digestField = regexp.MustCompile(`"containerimage\.digest":\s*"(sha256:[0-9a-f]{64})"`)

func digestOf(metadata string) (string, error) {
	data, err := os.ReadFile(metadata)
	if err != nil {
		return "", err
	}
	m := digestField.FindSubmatch(data)
	if m == nil {
		return "", fmt.Errorf("%s names no digest", metadata)
	}
	return string(m[1]), nil
}

// answers returns at the first answer of the new version.
func answers(ctx context.Context, v journey.Visitor, url, version string) error {
	for {
		body, err := v.Await(ctx, url)
		if err != nil {
			return err
		}
		if strings.Contains(body, "from "+version+"\n") {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s still answers %q: %w", url, body, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

var versionLine = regexp.MustCompile(`const version = ".*"`)

func setVersion(version string) func(dir string) error {
	return func(dir string) error {
		file := filepath.Join(dir, "main.go")
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(file, versionLine.ReplaceAll(data, fmt.Appendf(nil, "const version = %q", version)), 0o644)
	}
}

// handManifest is the objects that somebody who cares writes by hand.
const handManifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: byhand, namespace: hydra-bench}
spec:
  replicas: 1
  selector: {matchLabels: {app: byhand}}
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: byhand}}
    spec:
      automountServiceAccountToken: false
      containers:
        - name: byhand
          image: %s
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
          resources: {requests: {cpu: 50m, memory: 32Mi}, limits: {cpu: 500m, memory: 128Mi}}
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
---
apiVersion: v1
kind: Service
metadata: {name: byhand, namespace: hydra-bench}
spec: {selector: {app: byhand}, ports: [{port: 8080}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: byhand, namespace: hydra-bench}
spec:
  parentRefs: [{name: hydra, namespace: hydra-system}]
  hostnames: [%q]
  rules: [{backendRefs: [{name: byhand, port: 8080}]}]
`
