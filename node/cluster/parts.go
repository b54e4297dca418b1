// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"github.com/hydra-platform/hydra/libs/supervise"
	"gopkg.in/natefinch/lumberjack.v2"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// kubeletDir is where programs in a cluster expect the kubelet's files. In the
// sandbox it is a directory of the data directory.
const kubeletDir = "/var/lib/kubelet"

// newParts prepares every file and returns the parts of the node, in the order
// in which they become ready.
func newParts(l layout) ([]supervise.Part, error) {
	ids, err := newIdentities(l, time.Now())
	if err != nil {
		return nil, err
	}
	servers := nameserversInside()
	resolv := l.path("resolv.conf")
	encryption, err := encryptionConfig(l)
	if err != nil {
		return nil, err
	}
	if err := writeFile(resolv, resolvConf(servers), 0o644); err != nil {
		return nil, err
	}
	etcd, err := writeEtcd(l, ids)
	if err != nil {
		return nil, err
	}
	containerd, err := writeContainerd(l)
	if err != nil {
		return nil, err
	}
	kubelet, err := writeKubelet(l, ids, resolv)
	if err != nil {
		return nil, err
	}
	corefile, err := writeCorefile(l, ids, servers)
	if err != nil {
		return nil, err
	}
	clients, err := newClients(l)
	if err != nil {
		return nil, err
	}
	local := func(scheme string, port int, path string) func(context.Context) error {
		return httpReady(fmt.Sprintf("%s://127.0.0.1:%d%s", scheme, port, path))
	}
	parts := []supervise.Part{
		{Name: "etcd", Cmd: self("etcd", "-config", etcd), Ready: tcpReady("127.0.0.1", portEtcd)},
		{Name: "containerd", Cmd: command(l.Containerd, "--config", containerd), Ready: containerdReady(l)},
		{Name: "pause-image", After: []string{"containerd"}, Task: importPause(l)},
		{Name: "kube-apiserver", After: []string{"etcd"}, Cmd: self(apiserverArgs(l, ids, encryption)...), Ready: clients.ready, StopTimeout: 2 * time.Second},
		{Name: "kube-controller-manager", After: []string{"kube-apiserver"}, Cmd: self(managerArgs(l, ids)...), Ready: local("https", portManager, "/healthz"), StopTimeout: time.Second},
		{Name: "kube-scheduler", After: []string{"kube-apiserver"}, Cmd: self(schedulerArgs(ids)...), Ready: local("https", portScheduler, "/healthz"), StopTimeout: time.Second},
		{Name: "kube-proxy", After: []string{"kube-apiserver"}, Cmd: self(proxyArgs(l, ids)...), Ready: local("http", portProxy, "/healthz"), StopTimeout: time.Second},
		{Name: "pods", After: []string{"containerd"}, Run: drainPods, StopTimeout: drainLimit},
		{Name: "kubelet", After: []string{"kube-apiserver", "pods", "pause-image"}, Cmd: self(kubeletArgs(l, ids, kubelet)...), Ready: kubeletReady(l, clients.typed), StopTimeout: time.Second},
		{Name: "addons", After: []string{"kube-apiserver"}, Task: applyAddons(l, ids, clients.dynamic)},
		{Name: "coredns", After: []string{"addons"}, Cmd: self("coredns", "-quiet", "-conf", corefile), Ready: dnsReady(l), StopTimeout: time.Second},
		{Name: "metrics-server", After: []string{"addons"}, Cmd: self(metricsArgs(l, ids)...), Ready: httpReady(fmt.Sprintf("https://%s:%d/livez", l.nodeIP(), portMetrics)), StopTimeout: time.Second},
	}
	for i := range parts {
		parts[i].Log = partLog(l, parts[i].Name)
	}
	return parts, nil
}

// nameserversInside reads what run wrote for the sandbox before it started.
func nameserversInside() []netip.Addr {
	data, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return nil
	}
	return nameservers(string(data))
}

// partLog keeps at most twice ten megabytes of what a part says.
func partLog(l layout, name string) io.Writer {
	return &lumberjack.Logger{Filename: l.path("logs", name+".log"), MaxSize: 10, MaxBackups: 1}
}

// command starts a program with little memory overhead: the parts are idle most
// of the time, so collecting garbage more often costs next to nothing.
func command(argv ...string) func(context.Context) (*exec.Cmd, error) {
	return func(context.Context) (*exec.Cmd, error) {
		cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec // the node's own parts
		cmd.Env = append(os.Environ(), "GOGC=50", "TMPDIR="+runDir+"/tmp", "HOME="+runDir)
		return cmd, nil
	}
}

// self starts a part that is linked into this binary.
func self(args ...string) func(context.Context) (*exec.Cmd, error) {
	return command(append([]string{"/proc/self/exe"}, args...)...)
}

// clients talk to the cluster as its administrator.
type clients struct {
	typed   kubernetes.Interface
	dynamic dynamic.Interface
}

func newClients(l layout) (clients, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", l.path("admin.kubeconfig"))
	if err != nil {
		return clients{}, fmt.Errorf("read the cluster's address: %w", err)
	}
	cfg.QPS, cfg.Burst = -1, -1
	typed, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return clients{}, fmt.Errorf("make a client of the cluster: %w", err)
	}
	dyn, err := dynamic.NewForConfig(rest.CopyConfig(cfg))
	if err != nil {
		return clients{}, fmt.Errorf("make a client of the cluster: %w", err)
	}
	return clients{typed: typed, dynamic: dyn}, nil
}

// ready asks the API server whether it serves. No retries: while it starts it
// tells clients to come back in five seconds, and this asks again much sooner.
func (c clients) ready(ctx context.Context) error {
	if _, err := c.typed.Discovery().RESTClient().Get().AbsPath("/readyz").MaxRetries(0).DoRaw(ctx); err != nil {
		return fmt.Errorf("ask the API server: %w", err)
	}
	return nil
}
