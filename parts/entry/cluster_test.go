// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
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
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// asEntry makes the test's own binary the command.
const asEntry = "HYDRA_ENTRY_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asEntry) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestCommand runs the command against a real API server that has neither
// the Gateway API nor anything else when the command starts.
func TestCommand(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, "--kubeconfig", kubeconfig, "--ensure-gateway", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
		"--data-dir", filepath.Join(t.TempDir(), "entry"), "--hold", "200ms")
	cmd.Env = append(os.Environ(), asEntry+"=1")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the command wrote\n%s", log.String())
		}
	})
	api := startAPIServer(t, kubeconfig)
	for _, kind := range []string{"gatewayclasses", "gateways", "httproutes"} {
		api.apply(t, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+kind+".gateway.networking.k8s.io", crd(t, kind))
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	var ready struct{ Part, State, Address, Metrics string }
	require.NoError(t, json.Unmarshal(line, &ready))
	require.Equal(t, "entry ready", ready.Part+" "+ready.State)
	require.NotContains(t, ready.Address, ":0\n")

	var g gateway.Gateway
	api.eventually(t, "/apis/gateway.networking.k8s.io/v1/namespaces/hydra-system/gateways/hydra", &g, func() bool {
		return meta.IsStatusConditionTrue(g.Status.Conditions, "Programmed") && meta.IsStatusConditionTrue(g.Status.Conditions, "Accepted")
	})
	var class gateway.GatewayClass
	api.eventually(t, "/apis/gateway.networking.k8s.io/v1/gatewayclasses/hydra", &class, func() bool {
		return meta.IsStatusConditionTrue(class.Status.Conditions, "Accepted")
	})

	// A route before its Service: accepted, and its requests wait in vain.
	const routes = "/apis/gateway.networking.k8s.io/v1/namespaces/hydra-acme/httproutes/"
	api.apply(t, "/api/v1/namespaces/hydra-acme", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"hydra-acme"}}`)
	api.apply(t, routes+"shop", httpRoute("shop", ``))
	r := new(gateway.HTTPRoute)
	api.eventually(t, routes+"shop", r, func() bool {
		return condition(r, "Accepted") == "True Accepted" && condition(r, "ResolvedRefs") == "False BackendNotFound"
	})
	status, text := fetch(t, ready.Address, "shop.acme.localhost")
	require.Equal(t, 503, status, text)
	api.apply(t, "/api/v1/namespaces/hydra-acme/services/shop", `{"apiVersion":"v1","kind":"Service","metadata":{"name":"shop"},"spec":{"ports":[{"port":80}]}}`)
	api.eventually(t, routes+"shop", r, func() bool { return condition(r, "ResolvedRefs") == "True ResolvedRefs" })

	api.apply(t, routes+"odd", httpRoute("odd", `"timeouts":{"request":"1s"},`))
	odd := new(gateway.HTTPRoute)
	api.eventually(t, routes+"odd", odd, func() bool { return condition(odd, "Accepted") == "False UnsupportedValue" })
	status, _ = fetch(t, ready.Address, "odd.acme.localhost")
	require.Equal(t, 404, status)

	require.NoError(t, api.client.Delete().AbsPath(routes+"shop").Do(t.Context()).Error())
	require.Eventually(t, func() bool {
		status, _ := fetch(t, ready.Address, "shop.acme.localhost")
		return status == 404
	}, 20*time.Second, 50*time.Millisecond)

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), "an orderly stop")
	_, err = net.Dial("tcp", ready.Address)
	require.Error(t, err)
}

func condition(r *gateway.HTTPRoute, kind string) string {
	if len(r.Status.Parents) != 1 {
		return ""
	}
	c := meta.FindStatusCondition(r.Status.Parents[0].Conditions, kind)
	if c == nil || c.ObservedGeneration != r.Generation {
		return ""
	}
	return string(c.Status) + " " + c.Reason
}

func httpRoute(name, more string) string {
	return fmt.Sprintf(`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{"name":%[1]q},"spec":{
		"parentRefs":[{"name":"hydra","namespace":"hydra-system"}],"hostnames":["%[1]s.acme.localhost"],
		"rules":[{%[2]s"backendRefs":[{"name":%[1]q,"port":80}]}]}}`, name, more)
}

func fetch(t *testing.T, address, host string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", nil)
	require.NoError(t, err)
	r.Host = host
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

// crd is one of the definitions in the module of the Gateway API.
func crd(t *testing.T, kind string) string {
	t.Helper()
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	list.Env = append(os.Environ(), "GOWORK=off")
	dir, err := list.Output()
	require.NoError(t, err)
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "config/crd/standard/gateway.networking.k8s.io_"+kind+".yaml"))
	require.NoError(t, err)
	return string(data)
}

type apiServer struct{ client *rest.RESTClient }

func (a apiServer) apply(t *testing.T, path, body string) {
	t.Helper()
	require.Eventually(t, func() bool { // a new kind takes a moment to be served
		return a.client.Patch(types.ApplyPatchType).AbsPath(path).Param("fieldManager", "test").Body([]byte(body)).Do(t.Context()).Error() == nil
	}, 30*time.Second, 100*time.Millisecond, path)
}

func (a apiServer) eventually(t *testing.T, path string, into any, ok func() bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		data, err := a.client.Get().AbsPath(path).DoRaw(t.Context())
		return err == nil && json.Unmarshal(data, into) == nil && ok()
	}, 30*time.Second, 50*time.Millisecond, path)
}

// startAPIServer starts etcd and the API server out of hydra-node, or skips
// the test where that is not built, and writes the kubeconfig at the end.
func startAPIServer(t *testing.T, kubeconfig string) apiServer {
	t.Helper()
	node := ""
	for _, dir := range []string{os.Getenv("HYDRA_BIN"), "../../bin"} {
		if path, err := filepath.Abs(filepath.Join(dir, "hydra-node")); dir != "" && err == nil && node == "" {
			if _, err := os.Stat(path); err == nil {
				node = path
			}
		}
	}
	if node == "" {
		t.Skip("skipped: no hydra-node in $HYDRA_BIN or bin/; build it to test against a real API server")
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	serviceAccounts := write("sa.pem", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	token := rand.Text()
	tokens := write("tokens.csv", token+",admin,admin,system:masters\n")
	client, peer, secure := freePort(t), freePort(t), freePort(t)
	etcd := write("etcd.yaml", fmt.Sprintf("name: node\ndata-dir: %s\nlog-level: error\nunsafe-no-fsync: true\n"+
		"listen-client-urls: http://127.0.0.1:%[2]d\nadvertise-client-urls: http://127.0.0.1:%[2]d\nlisten-peer-urls: http://127.0.0.1:%[3]d\n"+
		"initial-advertise-peer-urls: http://127.0.0.1:%[3]d\ninitial-cluster: node=http://127.0.0.1:%[3]d\n", filepath.Join(dir, "etcd"), client, peer))
	run := func(part string, args ...string) {
		cmd := exec.Command(node, append([]string{part}, args...)...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	}
	run("etcd", "-config", etcd)
	run("kube-apiserver", fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", client), fmt.Sprintf("--secure-port=%d", secure), "--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--cert-dir="+filepath.Join(dir, "certs"), "--token-auth-file="+tokens,
		"--service-account-issuer=https://test", "--service-account-key-file="+serviceAccounts, "--service-account-signing-key-file="+serviceAccounts,
		"--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--profiling=false")
	config := fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: t, cluster: {server: \"https://127.0.0.1:%d\", insecure-skip-tls-verify: true}}]\n"+
		"users: [{name: t, user: {token: %s}}]\ncontexts: [{name: t, context: {cluster: t, user: t}}]\ncurrent-context: t\n", secure, token)
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(config))
	require.NoError(t, err)
	cfg.GroupVersion, cfg.NegotiatedSerializer = &schema.GroupVersion{Version: "v1"}, serializer.NewCodecFactory(runtime.NewScheme()).WithoutConversion()
	c, err := rest.RESTClientFor(cfg)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := c.Get().AbsPath("/readyz").DoRaw(t.Context())
		return err == nil
	}, 2*time.Minute, 200*time.Millisecond, "the API server does not answer")
	require.NoError(t, os.WriteFile(kubeconfig, []byte(config), 0o600))
	return apiServer{c}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	a, ok := l.Addr().(*net.TCPAddr)
	require.True(t, ok)
	return a.Port
}
