// SPDX-License-Identifier: Apache-2.0

package buildkit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/tonistiigi/fsutil"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrUnavailable says that the daemon, or the registry that it was told to
// use, could not be reached or went away: the build itself is not to blame.
var ErrUnavailable = errors.New("BuildKit is not available")

// A Client talks to one daemon.
type Client struct {
	Address  string              // unix:///path or tcp://host:port
	Registry map[string]Register // by host
}

// Register is how to use one registry.
type Register struct {
	Insecure       bool // plain HTTP
	User, Password string
}

// A Job is one Dockerfile to solve.
type Job struct {
	Context    string // directory that COPY sees
	Dockerfile string // file; may lie outside of Context
	Target     string // stage; empty for the last
	BuiltIn    bool   // use the daemon's own frontend whatever # syntax= says
	Args       map[string]string
	Secrets    map[string][]byte
	Epoch      time.Time // times in the image are clamped to it

	// What to do with the result: neither only runs the steps.
	Push      string // image reference to push
	OutputDir string // directory to write the files to

	// SharedKey must differ whenever the files of Context may: the daemon
	// takes a file of the same size and time under one key for unchanged.
	SharedKey string
	Line      func(Line) // what the steps print and how they go on; may be nil
}

// Result of a Job.
type Result struct {
	Digest string // of the pushed manifest
	Cached bool   // no step had to run
}

// StepError is a build that broke.
type StepError struct {
	Step   string   // as the Dockerfile has it; empty if none was at work
	Output []string // the last that it printed
	Err    error
}

func (e *StepError) Error() string {
	if e.Step == "" {
		return e.Err.Error()
	}
	return e.Step + ": " + e.Err.Error()
}

func (e *StepError) Unwrap() error { return e.Err }

// Solve runs a job. The error is [ErrUnavailable], a [*StepError], or ctx's.
func (c *Client) Solve(ctx context.Context, j Job) (Result, error) {
	opt, err := c.options(j)
	if err != nil {
		return Result{}, err
	}
	conn, err := client.New(ctx, c.Address)
	if err != nil {
		return Result{}, fmt.Errorf("%w at %s: %w", ErrUnavailable, c.Address, err)
	}
	defer func() { _ = conn.Close() }()
	// Without this a solve waits for a daemon that does not exist for as long
	// as its context lasts.
	hello, cancel := context.WithTimeout(ctx, 10*time.Second)
	_, err = conn.Info(hello)
	cancel()
	if err != nil {
		return Result{}, c.classify(ctx, err, nil)
	}

	updates := make(chan *client.SolveStatus)
	p := newProgress(j.Line)
	var response *client.SolveResponse
	group, ctx2 := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		response, err = conn.Solve(ctx2, nil, opt, updates)
		return err
	})
	group.Go(func() error { // drains to the end even when the build broke
		for u := range updates {
			p.update(u)
		}
		p.flush()
		return nil
	})
	if err := group.Wait(); err != nil {
		return Result{}, c.classify(ctx, err, p.failing())
	}
	return Result{Digest: response.ExporterResponse["containerimage.digest"], Cached: p.allCached()}, nil
}

// classify tells whose fault an error is.
func (c *Client) classify(ctx context.Context, err error, at *step) error {
	var step string
	var output []string
	if at != nil {
		step, output = at.name, at.tail
	}
	if ctx.Err() != nil {
		if at == nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w; it was at %s\n%s", context.Cause(ctx), step, strings.Join(output, "\n"))
	}
	switch code := status.Code(err); {
	case code == codes.Unavailable, code == codes.Canceled, code == codes.DeadlineExceeded && step == "",
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded) && step == "",
		errors.Is(err, os.ErrNotExist) && step == "":
		return fmt.Errorf("%w at %s: %w", ErrUnavailable, c.Address, err)
	}
	// The daemon wraps what a registry said in text only.
	text := err.Error()
	for host := range c.Registry {
		if strings.Contains(text, host) && (strings.Contains(text, "connection refused") || strings.Contains(text, "connection reset") || strings.Contains(text, ": EOF") || strings.Contains(text, "503 Service Unavailable")) {
			return fmt.Errorf("%w: registry %s: %w", ErrUnavailable, host, err)
		}
	}
	return &StepError{Step: step, Output: output, Err: errors.New(strings.TrimPrefix(text, "failed to solve: "))}
}

func (c *Client) options(j Job) (client.SolveOpt, error) {
	context, err := fsutil.NewFS(j.Context)
	if err != nil {
		return client.SolveOpt{}, fmt.Errorf("read %s: %w", j.Context, err)
	}
	dockerfile, err := fsutil.NewFS(filepath.Dir(j.Dockerfile))
	if err != nil {
		return client.SolveOpt{}, fmt.Errorf("read %s: %w", j.Dockerfile, err)
	}
	attrs := map[string]string{"filename": path.Base(filepath.ToSlash(j.Dockerfile))}
	if j.Target != "" {
		attrs["target"] = j.Target
	}
	if j.BuiltIn {
		// The frontend follows # syntax= only when it was not told a command
		// line of its own.
		attrs["cmdline"] = "dockerfile.v0"
	}
	for k, v := range j.Args {
		attrs["build-arg:"+k] = v
	}
	if !j.Epoch.IsZero() {
		attrs["build-arg:SOURCE_DATE_EPOCH"] = strconv.FormatInt(j.Epoch.Unix(), 10)
	}
	opt := client.SolveOpt{
		Frontend: "dockerfile.v0", FrontendAttrs: attrs, SharedKey: j.SharedKey,
		LocalMounts: map[string]fsutil.FS{"context": context, "dockerfile": dockerfile},
		Session: []session.Attachable{
			secretsprovider.FromMap(maps.Clone(j.Secrets)),
			authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{AuthConfigProvider: c.credentials}),
		},
	}
	switch {
	case j.Push != "":
		host, _, _ := strings.Cut(j.Push, "/")
		attrs := map[string]string{"name": j.Push, "push": "true", "oci-mediatypes": "true", "rewrite-timestamp": "true"}
		if c.Registry[host].Insecure {
			attrs["registry.insecure"] = "true"
		}
		opt.Exports = []client.ExportEntry{{Type: client.ExporterImage, Attrs: attrs}}
	case j.OutputDir != "":
		opt.Exports = []client.ExportEntry{{Type: client.ExporterLocal, OutputDir: j.OutputDir}}
	}
	return opt, nil
}

// credentials answers the daemon when a registry asks it for some.
func (c *Client) credentials(_ context.Context, host string, _ []string, _ authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
	r := c.Registry[host]
	return types.AuthConfig{Username: r.User, Password: r.Password, ServerAddress: host}, nil
}
