// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/builder/buildkit"
	"github.com/hydra-platform/hydra/services/builder/detect"
	"github.com/hydra-platform/hydra/services/builder/goapp"
)

const (
	maxReason = 2 << 10 // bytes of output in a reason
	maxStep   = 160     // bytes of a step's name in a reason
)

var (
	exitCode = regexp.MustCompile(`did not complete successfully: (exit code: .*)$`)
	flags    = regexp.MustCompile(`--(mount|network|security)=\S+ *`)
)

// image builds and pushes. The tag is the commit's SHA, for people; everything
// else goes by digest.
func (s *Service) image(ctx context.Context, b *build) error {
	job := s.dockerfileJob(b)
	if b.plan.Strategy == detect.Go {
		var err error
		if job, err = s.goJob(b); err != nil {
			return err
		}
		job.Target = goapp.Image
	}
	name := b.rec.Project + "/" + b.rec.App
	job.Push = s.cfg.pushRegistry() + "/" + name + ":" + b.rec.Commit.SHA
	job.Line = b.log.Line
	result, err := s.solver.Solve(ctx, job)
	var step *buildkit.StepError
	switch {
	case errors.As(err, &step):
		return failf("the build failed: %s", reasonOf(err))
	case err != nil:
		return err
	case !strings.HasPrefix(result.Digest, "sha256:"):
		return failf("BuildKit pushed the image but named no digest for it")
	}
	return s.change(ctx, &b.rec, func(r *record.Build) {
		r.Image = s.cfg.Registry + "/" + name + "@" + result.Digest
		r.ArtifactID = purl(s.cfg.Registry, name, result.Digest)
		r.Cached = result.Cached
	})
}

// purl names an image as the Package URL specification has it for OCI.
func purl(registry, name, digest string) string {
	base := name[strings.LastIndexByte(name, '/')+1:]
	return fmt.Sprintf("pkg:oci/%s@%s?repository_url=%s/%s", base, strings.ReplaceAll(digest, ":", "%3A"), registry, name)
}

// reasonOf words a step that failed: which one, how, and the last it printed.
func reasonOf(err error) string {
	var step *buildkit.StepError
	if !errors.As(err, &step) {
		return err.Error()
	}
	text := step.Err.Error()
	if m := exitCode.FindStringSubmatch(text); m != nil {
		text = m[1] // what comes before repeats the step
	}
	if step.Step != "" {
		name := strings.Join(strings.Fields(flags.ReplaceAllString(step.Step, "")), " ")
		if len(name) > maxStep {
			name = name[:maxStep] + "…"
		}
		text = name + ": " + text
	}
	if tail := strings.Join(step.Output, "\n"); tail != "" {
		if len(tail) > maxReason {
			tail = "…" + tail[len(tail)-maxReason:]
		}
		text += "\n" + tail
	}
	return text
}

// common is what both kinds of job share.
func (s *Service) common(b *build) buildkit.Job {
	return buildkit.Job{
		Context: filepath.Join(b.src, filepath.FromSlash(b.plan.Context)),
		Args:    map[string]string{}, Secrets: maps.Clone(b.user), Epoch: b.commit.Time,
		SharedKey: fmt.Sprintf("%s/%d/%d", key(b.rec), b.rec.Attempt, b.rec.Starts),
	}
}

// dockerfileJob builds with the repository's own Dockerfile.
func (s *Service) dockerfileJob(b *build) buildkit.Job {
	job := s.common(b)
	job.Dockerfile = filepath.Join(b.src, filepath.FromSlash(b.plan.Dockerfile))
	job.BuiltIn = b.plan.BuiltIn
	// BuildKit keeps these four out of cache keys and history.
	for name, value := range map[string]string{"HTTP_PROXY": s.cfg.HTTPProxy, "HTTPS_PROXY": s.cfg.HTTPSProxy, "NO_PROXY": s.cfg.NoProxy} {
		if value != "" {
			job.Args[name] = value
		}
	}
	if s.cfg.GoProxy != "" && !strings.Contains(s.cfg.GoProxy, "@") { // an argument shows in the image's history
		job.Args["GOPROXY"] = s.cfg.GoProxy
	}
	return job
}

// goJob builds the Go module in which the app lies with a Dockerfile of ours.
func (s *Service) goJob(b *build) (buildkit.Job, error) {
	job := s.common(b)
	m := *b.plan.Module
	job.Context = filepath.Join(b.src, filepath.FromSlash(m.Root))
	job.BuiltIn = true
	dir := filepath.Join(b.dir, "dockerfile")
	job.Dockerfile = filepath.Join(dir, "Dockerfile")
	err := errors.Join(
		os.MkdirAll(dir, 0o755),
		os.WriteFile(job.Dockerfile, []byte(goapp.Dockerfile(m, s.cfg.GoImage, b.rec.Project)), 0o600),
		// Without one of its own the repository's .dockerignore would apply,
		// which is written for another Dockerfile and may leave tests out.
		os.WriteFile(job.Dockerfile+".dockerignore", []byte(".git\n"), 0o600),
	)
	if err != nil {
		return job, fmt.Errorf("write the Dockerfile of build %s: %w", b.rec.ID, err)
	}
	for name, value := range map[string]string{
		"GOPROXY": s.cfg.GoProxy, "GONOSUMDB": s.cfg.GoNoSumDB,
		"HTTP_PROXY": s.cfg.HTTPProxy, "HTTPS_PROXY": s.cfg.HTTPSProxy, "NO_PROXY": s.cfg.NoProxy,
	} {
		if value != "" {
			job.Secrets[goapp.SecretOf(name)] = []byte(value)
		}
	}
	if s.cfg.CACert != "" {
		pem, err := os.ReadFile(s.cfg.CACert)
		if err != nil {
			return job, fmt.Errorf("read caCert: %w", err)
		}
		job.Secrets[goapp.SecretCA] = pem
	}
	return job, nil
}
