// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package kubetest gives tests a real Kubernetes node of their own.
package kubetest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hydra-platform/hydra/libs/sandbox"
)

// Node is a running hydra-node.
type Node struct {
	Kubeconfig string
	Host       string // this machine's address as pods and image pulls reach it
}

// change is what hydra-node writes about each of its parts.
type change struct {
	Part, State, Reason string
	Host, Kubeconfig    string
}

// Binary finds one of Hydra's programs in the directory that HYDRA_BIN names,
// or in bin/ of the checkout.
func Binary(name string) (string, bool) {
	dirs := []string{os.Getenv("HYDRA_BIN")}
	if dir, err := os.Getwd(); err == nil {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			dirs = append(dirs, filepath.Join(dir, "bin"))
		}
	}
	for _, dir := range dirs {
		if info, err := os.Stat(filepath.Join(dir, name)); dir != "" && err == nil && info.Mode().IsRegular() {
			return filepath.Join(dir, name), true
		}
	}
	return "", false
}

// Start runs a node until the test ends. Images of the registry at
// 127.0.0.1:registryPort are pulled through it when it is not 0; reachable is
// called with the address that the server has to listen on for that, before
// anything is pulled. The test is skipped, in one line, where no node runs.
func Start(t testing.TB, registryPort int, reachable func(host string)) Node {
	t.Helper()
	program, ok := Binary("hydra-node")
	if !ok {
		t.Skip("no Kubernetes node here: bin/hydra-node is not built; run `make build`")
	}
	if testing.Short() {
		t.Skip("no Kubernetes node in short tests")
	}
	if out, err := exec.Command(program, "check").CombinedOutput(); err != nil {
		t.Skipf("no Kubernetes node here: %s", firstLine(out))
	}
	instance := fmt.Sprintf("kt%d", rand.IntN(100_000))
	dir := t.TempDir()
	args := []string{"run", "--instance", instance, "--data-dir", dir}
	if registryPort != 0 {
		args = append(args, "--registry-mirror", fmt.Sprintf("127.0.0.1:%d=http://{host}:%d", registryPort, registryPort))
	}
	cmd := exec.Command(program, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "stderr.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	changes := make(chan change, 64)
	go read(out, changes)
	t.Cleanup(func() {
		stop(cmd)
		_ = log.Close()
		_ = sandbox.Sweep(context.Background(), sandbox.Leftovers{Name: instance + "-node", Cgroups: []string{"hydra-" + instance}, Dirs: []string{dir}})
	})

	node := Node{Kubeconfig: filepath.Join(dir, "admin.kubeconfig")}
	deadline := time.After(2 * time.Minute)
	for {
		select {
		case <-deadline:
			t.Fatalf("hydra-node is not ready within two minutes; see %s", log.Name())
		case c, open := <-changes:
			switch {
			case !open:
				said, _ := os.ReadFile(log.Name())
				t.Fatalf("hydra-node ended: %s", said)
			case c.Part == "sandbox" && c.State == "ready":
				node.Host = c.Host
				if reachable != nil {
					reachable(c.Host)
				}
			case c.Part == "node" && c.State == "ready":
				return node
			}
		}
	}
}

// read passes changes on until the node ends, and never holds it up.
func read(r io.Reader, changes chan<- change) {
	defer close(changes)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var c change
		if json.Unmarshal(lines.Bytes(), &c) != nil {
			continue
		}
		select {
		case changes <- c:
		default: // nobody waits any more
		}
	}
}

func stop(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(40 * time.Second):
		_ = cmd.Process.Kill()
		<-ended
	}
}

func firstLine(b []byte) string {
	for i, c := range b {
		if c == '\n' {
			return string(b[:i])
		}
	}
	return string(b)
}
