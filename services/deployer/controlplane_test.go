// SPDX-License-Identifier: Apache-2.0

package deployer_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/yaml"

	"github.com/hydra-platform/hydra/libs/kube"
)

// controlPlane is a real API server with the controllers that make pods out of
// Deployments and Jobs. It has no node: tests play the kubelet.
type controlPlane struct {
	kubeconfig string
	client     *kube.Client
	apiserver  *process
}

// startControlPlane starts etcd, the API server and the controller manager out
// of hydra-node, or skips the test where that is not built.
func startControlPlane(t *testing.T) *controlPlane {
	t.Helper()
	node := nodeBinary(t)
	dir := t.TempDir()
	client, peer, secure, manager := freePort(t), freePort(t), freePort(t), freePort(t)

	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	var encoded bytes.Buffer
	require.NoError(t, pem.Encode(&encoded, &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	serviceAccounts := write("sa.pem", encoded.String())
	token := rand.Text()
	tokens := write("tokens.csv", token+",admin,admin,system:masters\n")
	kubeconfig := write("kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: t, cluster: {server: "https://127.0.0.1:%d", insecure-skip-tls-verify: true}}]
users: [{name: t, user: {token: %s}}]
contexts: [{name: t, context: {cluster: t, user: t}}]
current-context: t
`, secure, token))
	etcd := write("etcd.yaml", fmt.Sprintf(`name: node
data-dir: %s
log-level: error
unsafe-no-fsync: true
listen-client-urls: http://127.0.0.1:%[2]d
advertise-client-urls: http://127.0.0.1:%[2]d
listen-peer-urls: http://127.0.0.1:%[3]d
initial-advertise-peer-urls: http://127.0.0.1:%[3]d
initial-cluster: node=http://127.0.0.1:%[3]d
`, filepath.Join(dir, "etcd"), client, peer))

	start(t, node, dir, "etcd", "-config", etcd)
	c := &controlPlane{kubeconfig: kubeconfig}
	c.apiserver = start(t, node, dir, "kube-apiserver",
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", client), fmt.Sprintf("--secure-port=%d", secure), "--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--cert-dir="+filepath.Join(dir, "certs"), "--token-auth-file="+tokens,
		"--service-account-issuer=https://test", "--service-account-key-file="+serviceAccounts, "--service-account-signing-key-file="+serviceAccounts,
		"--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--profiling=false")
	c.client, err = kube.New(kubeconfig)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return ready(c.client.Typed.Discovery()) }, 90*time.Second, 200*time.Millisecond, "the API server does not answer, see %s", dir)
	start(t, node, dir, "kube-controller-manager", "--kubeconfig="+kubeconfig, fmt.Sprintf("--secure-port=%d", manager), "--bind-address=127.0.0.1",
		"--cert-dir="+filepath.Join(dir, "manager"), "--leader-elect=false",
		"--controllers=deployment-controller,replicaset-controller,job-controller,namespace-controller,garbage-collector-controller")
	c.installRoutes(t)
	return c
}

func ready(d discovery.DiscoveryInterface) bool {
	_, err := d.RESTClient().Get().AbsPath("/readyz").DoRaw(context.Background())
	return err == nil
}

// installRoutes installs the CRD of HTTPRoute as its module has it.
func (c *controlPlane) installRoutes(t *testing.T) {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	require.NoError(t, err)
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"))
	require.NoError(t, err)
	crd := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal(data, &crd.Object))
	_, err = c.client.Apply(t.Context(), crd)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		c.client.Mapper.Reset()
		_, err := c.client.Mapper.RESTMapping(schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute"}, "v1")
		return err == nil
	}, 30*time.Second, 200*time.Millisecond)
}

// nodeBinary finds the binary with Kubernetes in it.
func nodeBinary(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{os.Getenv("HYDRA_BIN"), "../../bin"} {
		if path, err := filepath.Abs(filepath.Join(dir, "hydra-node")); dir != "" && err == nil {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	t.Skip("skipped: no hydra-node in $HYDRA_BIN or bin/; build it to test against a real API server")
	return ""
}

// process is a child that ends with the test.
type process struct{ cmd *exec.Cmd }

func start(t *testing.T, node, dir, part string, args ...string) *process {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, part+".log"))
	require.NoError(t, err)
	cmd := exec.Command(node, append([]string{part}, args...)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s ends with\n%s", part, text[max(0, len(text)-3000):])
		}
	})
	return &process{cmd}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
