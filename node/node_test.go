// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/hydra-platform/hydra/libs/sandbox"
	"github.com/hydra-platform/hydra/libs/sandbox/sandboxtest"
	"github.com/hydra-platform/hydra/node/cluster"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// TestMain makes the test binary the program under test when it is started with
// arguments of hydra-node, as the node does with its own parts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(run())
	}
	os.Exit(m.Run())
}

// needNode skips the test where no node can run, saying why in one line.
func needNode(t *testing.T) {
	t.Helper()
	if err := cluster.Check(cluster.DefaultConfig()); err != nil {
		t.Skipf("no node here: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if _, err := os.Stat("/bin/busybox"); err != nil {
		t.Skip("no node here: /bin/busybox, which the test's pods run, is missing: install the package busybox-static")
	}
}

// node is a running hydra-node.
type node struct {
	cmd     *exec.Cmd
	dir     string
	image   string
	marks   []string // what names this node on the machine
	mu      sync.Mutex
	changes []cluster.Change
	changed chan struct{}
}

// startNode starts a node in dir and serves a busybox image to it.
func startNode(t *testing.T, instance, dir string) *node {
	t.Helper()
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	addr := images.Listener.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	n := &node{dir: dir, image: addr + "/busybox:1", changed: make(chan struct{}, 1), marks: []string{instance + "-node", "hydra-" + instance, sandbox.LinkName(instance + "-node"), dir}}
	pushBusybox(t, n.image)
	n.cmd = exec.Command("/proc/self/exe", "run", "--instance", instance, "--data-dir", dir, "--registry-mirror", addr+"=http://{host}:"+port)
	n.cmd.Stderr = os.Stderr
	out, err := n.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, n.cmd.Start())
	t.Cleanup(func() { n.kill() })
	go n.read(out)
	link := n.wait(t, "sandbox ready", 20*time.Second, func(c cluster.Change) bool { return c.Part == "sandbox" && c.State == "ready" })
	// The node reaches this machine by the address of the link only.
	inner, err := net.Listen("tcp", net.JoinHostPort(link.Host, port))
	require.NoError(t, err)
	server := &http.Server{Handler: images.Config.Handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(inner) }()
	t.Cleanup(func() { _ = server.Close() })
	n.wait(t, "node ready", time.Minute, func(c cluster.Change) bool { return c.Part == "node" && c.State == "ready" })
	return n
}

func (n *node) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var c cluster.Change
		if json.Unmarshal(lines.Bytes(), &c) != nil {
			continue
		}
		n.mu.Lock()
		n.changes = append(n.changes, c)
		n.mu.Unlock()
		select {
		case n.changed <- struct{}{}:
		default:
		}
	}
}

// wait returns the newest change that matches, waiting for one.
func (n *node) wait(t *testing.T, what string, limit time.Duration, match func(cluster.Change) bool) cluster.Change {
	t.Helper()
	timeout := time.After(limit)
	for {
		n.mu.Lock()
		all := n.changes
		n.mu.Unlock()
		for i := len(all) - 1; i >= 0; i-- {
			if match(all[i]) {
				return all[i]
			}
		}
		select {
		case <-n.changed:
		case <-timeout:
			require.FailNow(t, "timeout", "%s: not within %s, got %+v", what, limit, all)
		}
	}
}

func (n *node) client(t *testing.T) (*kubernetes.Clientset, *rest.Config) {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", filepath.Join(n.dir, "admin.kubeconfig"))
	require.NoError(t, err)
	client, err := kubernetes.NewForConfig(cfg)
	require.NoError(t, err)
	return client, cfg
}

// stop ends the node as its user does and returns how long that took.
func (n *node) stop(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	require.NoError(t, n.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, n.cmd.Wait())
	return time.Since(began)
}

func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
	_ = sandbox.Sweep(context.Background(), sandbox.Leftovers{Name: n.marks[0], Cgroups: []string{n.marks[1]}, Dirs: []string{n.dir}})
}

// pid finds a part's process by its name among the sandbox's processes.
func (n *node) pid(t *testing.T, part string) int {
	t.Helper()
	for _, line := range sandboxtest.Snapshot(t, n.marks[0]) {
		var pid int
		var exe, arg string
		if _, err := fmt.Sscanf(line, "process %d %s %s", &pid, &exe, &arg); err == nil && arg == part {
			return pid
		}
	}
	require.FailNow(t, "no process", "part %s of %s", part, n.marks[0])
	return 0
}

// pushBusybox makes an image of this machine's busybox and pushes it.
func pushBusybox(t *testing.T, ref string) {
	t.Helper()
	tag, err := name.NewTag(ref, name.Insecure)
	require.NoError(t, err)
	archive := filepath.Join(t.TempDir(), "layer.tar")
	cmd := exec.Command("tar", "--create", "--file", archive, "--directory", "/", "bin/busybox")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	layer, err := tarball.LayerFromFile(archive)
	require.NoError(t, err)
	img, err := mutate.AppendLayers(empty.Image, layer)
	require.NoError(t, err)
	img, err = mutate.Config(img, v1.Config{Entrypoint: []string{"/bin/busybox"}})
	require.NoError(t, err)
	require.NoError(t, remote.Write(tag, img))
}
