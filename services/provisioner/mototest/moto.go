// SPDX-License-Identifier: Apache-2.0

// Package mototest gives tests an AWS on this machine: moto, an emulator that
// speaks the real protocols, from a Python environment under .cache/moto of
// the checkout.
package mototest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// version of moto.
const version = "5.2.5"

// Start runs a server of its own for the test and returns its URL. The test
// is skipped where Python or moto cannot be had.
func Start(t *testing.T) string {
	t.Helper()
	server, err := install(t.Context())
	if err != nil {
		t.Skipf("no moto %s: %v", version, err)
	}
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	log, err := os.Create(filepath.Join(t.TempDir(), "moto.log"))
	require.NoError(t, err)
	cmd := exec.Command(server, "-H", "127.0.0.1", "-p", port)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
	})
	url := "http://" + address
	require.Eventually(t, func() bool {
		r, err := http.Get(url + "/moto-api/data.json")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	}, 2*time.Minute, 100*time.Millisecond, "moto does not answer")
	return url
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// install makes the environment once, whoever comes first, and returns the
// path of the server.
func install(ctx context.Context) (string, error) {
	root, err := checkout()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, ".cache", "moto")
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("make cache: %w", err)
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", fmt.Errorf("lock cache: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock cache: %w", err)
	}
	server, done := filepath.Join(dir, "bin", "moto_server"), filepath.Join(dir, "installed-"+version)
	if _, err := os.Stat(done); err == nil {
		return server, nil
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return "", fmt.Errorf("python3 is not installed")
	}
	for _, args := range [][]string{
		{python, "-m", "venv", dir},
		{filepath.Join(dir, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "moto[server]==" + version},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			text := strings.TrimSpace(string(out))
			return "", fmt.Errorf("%s: %w: %s", strings.Join(args[1:], " "), err, text[max(0, len(text)-300):])
		}
	}
	return server, os.WriteFile(done, nil, 0o644)
}

// checkout finds the directory with go.work above the working directory.
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.work above the working directory")
		}
		dir = parent
	}
}
