// SPDX-License-Identifier: Apache-2.0

// Package integration proves the runtime against dependencies in containers.
package integration

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/hydra-platform/hydra/libs/sandbox"
	"github.com/hydra-platform/hydra/test/docker"
)

// engine is nil where no Docker Engine is to be had; why says the reason.
var (
	engine *docker.Engine
	why    error
)

func TestMain(m *testing.M) {
	if code, isInit := sandbox.Init(); isInit {
		os.Exit(code)
	}
	engine, why = docker.Start(context.Background())
	if engine != nil {
		// Published ports are dialled there, and the image of the reaper
		// cannot be pulled everywhere: each test cleans up itself.
		_ = os.Setenv("DOCKER_HOST", engine.Host)
		_ = os.Setenv("TESTCONTAINERS_HOST_OVERRIDE", engine.Addr)
		_ = os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
		fmt.Printf("Docker Engine at %s (started for the tests: %t)\n", engine.Host, engine.Own)
	}
	code := m.Run()
	if engine != nil {
		if err := engine.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the Docker Engine:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func needDocker(t *testing.T) {
	t.Helper()
	if engine == nil {
		t.Skipf("containers: %v", why)
	}
}
