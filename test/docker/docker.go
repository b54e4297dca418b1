// SPDX-License-Identifier: Apache-2.0

// Package docker gives tests a Docker Engine: the user's own where one
// answers, otherwise one that it starts in a sandbox, so that nothing of it
// is left when the tests end.
package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/hydra-platform/hydra/libs/sandbox"
	"github.com/hydra-platform/hydra/libs/supervise"
)

// An Engine answers on its socket.
type Engine struct {
	Host string // DOCKER_HOST
	Addr string // where published ports are reached
	Own  bool   // started here

	stop func() error
}

// Stop ends an engine that was started here.
func (e *Engine) Stop() error {
	if e.stop == nil {
		return nil
	}
	return e.stop()
}

// ErrUnavailable says why there is no engine to be had on this machine.
var ErrUnavailable = errors.New("no Docker Engine")

// Start returns a running engine. The program's main, or TestMain, has to
// call sandbox.Init first.
func Start(ctx context.Context) (*Engine, error) {
	for _, host := range []string{os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock"} {
		if path, ok := socket(host); ok && ping(ctx, path) == nil {
			return &Engine{Host: host, Addr: "127.0.0.1"}, nil
		}
	}
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w answers, and starting one needs root on Linux", ErrUnavailable)
	}
	dockerd, err := exec.LookPath("dockerd")
	if err != nil {
		return nil, fmt.Errorf("%w answers, and dockerd is not installed (apt-get install docker.io)", ErrUnavailable)
	}
	return start(ctx, dockerd)
}

func start(ctx context.Context, dockerd string) (*Engine, error) {
	dir, err := os.MkdirTemp("", "hydra-docker-")
	if err != nil {
		return nil, fmt.Errorf("start dockerd: %w", err)
	}
	name := filepath.Base(dir)
	link, err := sandbox.Allocate(ctx, netip.MustParsePrefix("10.213.0.0/16"), 30, name)
	if err != nil {
		return nil, fmt.Errorf("start dockerd: %w", err)
	}
	network := &sandbox.Network{Link: link}
	box, err := sandbox.New(sandbox.Config{Name: name, Network: network, Private: []string{"/run"}})
	if err != nil {
		return nil, fmt.Errorf("start dockerd: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "dockerd.log"))
	if err != nil {
		return nil, fmt.Errorf("start dockerd: %w", err)
	}
	sock := filepath.Join(dir, "docker.sock")
	part := supervise.Part{
		Name: "dockerd", Log: log, StopTimeout: 20 * time.Second, StartTimeout: 40 * time.Second,
		Cmd: func(context.Context) (*exec.Cmd, error) {
			return box.Command(dockerd,
				"--host", "unix://"+sock, "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
				"--pidfile", filepath.Join(dir, "dockerd.pid"), "--bip", "10.214.0.1/24", "--cgroup-parent", "/"+name)
		},
		Started: func(ctx context.Context, cmd *exec.Cmd) error { return box.Attach(ctx, cmd.Process.Pid) },
		Ready:   func(ctx context.Context) error { return ping(ctx, sock) },
	}
	sup, err := supervise.New([]supervise.Part{part})
	if err != nil {
		return nil, fmt.Errorf("start dockerd: %w", err)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- sup.Run(run) }()
	stop := func() error {
		cancel()
		err := <-ended
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		background := context.WithoutCancel(ctx)
		return errors.Join(err, box.Detach(background), log.Close(),
			sandbox.Sweep(background, sandbox.Leftovers{Name: name, Cgroups: []string{name}, Dirs: []string{dir}}), os.RemoveAll(dir))
	}
	wait, done := context.WithTimeout(ctx, 60*time.Second)
	defer done()
	if err := sup.WaitReady(wait, "dockerd"); err != nil {
		tail, _ := os.ReadFile(log.Name())
		return nil, errors.Join(fmt.Errorf("start dockerd: %w\n%s", err, tail[max(0, len(tail)-2000):]), stop())
	}
	return &Engine{Host: "unix://" + sock, Addr: network.Addr().String(), Own: true, stop: stop}, nil
}

func socket(host string) (string, bool) {
	const scheme = "unix://"
	if len(host) <= len(scheme) || host[:len(scheme)] != scheme {
		return "", false
	}
	return host[len(scheme):], true
}

// ping asks the engine itself: a socket file alone says nothing.
func ping(ctx context.Context, sock string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", sock)
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/_ping", nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the Docker Engine at %s: %w", sock, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the Docker Engine at %s: %s", sock, res.Status)
	}
	return nil
}
