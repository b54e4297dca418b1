// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hydra-platform/hydra/libs/sandbox/sandboxtest"
	"github.com/hydra-platform/hydra/node/cluster"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

// TestNode is one node's life: an app runs, is reached, is measured, survives
// the death of the parts around it and of the whole node, and leaves nothing.
func TestNode(t *testing.T) {
	needNode(t)
	n := startNode(t, fmt.Sprintf("test%d", time.Now().UnixNano()%100000), t.TempDir())
	client, restConfig := n.client(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	version, err := client.Discovery().ServerVersion()
	require.NoError(t, err)
	t.Logf("Kubernetes %s", version.GitVersion)

	createApp(ctx, t, client, n.image)
	service, pod := awaitApp(ctx, t, client, 30*time.Second)
	t.Run("ServiceAndPodAnswerOnTheHost", func(t *testing.T) {
		require.Eventually(t, func() bool { return get(service+":80") == "hello\n" }, 10*time.Second, 50*time.Millisecond)
		require.Equal(t, "hello\n", get(pod.Status.PodIP+":8080"))
	})
	t.Run("LogsAreRead", func(t *testing.T) {
		require.Eventually(t, func() bool { return strings.Contains(logs(ctx, client, pod.Name), "started") }, 10*time.Second, 50*time.Millisecond)
	})
	t.Run("NamesResolveAndServicesAnswerInAPod", func(t *testing.T) {
		out := runPod(ctx, t, client, n.image, "asker", "nslookup app.default.svc.cluster.local && wget -qO- http://app.default.svc.cluster.local")
		require.Contains(t, out, service)
		require.Contains(t, out, "hello")
	})
	t.Run("CommandsRunInAPodAndItReachesItselfThroughItsService", func(t *testing.T) {
		out := execInPod(ctx, t, restConfig, client, pod.Name, "/bin/busybox", "wget", "-qO-", "http://"+service)
		require.Equal(t, "hello\n", out)
	})
	t.Run("MetricsArrive", func(t *testing.T) {
		path := "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods"
		require.Eventually(t, func() bool {
			out, err := client.Discovery().RESTClient().Get().AbsPath(path).DoRaw(ctx)
			return err == nil && strings.Contains(string(out), pod.Name)
		}, time.Minute, 250*time.Millisecond)
	})
	t.Run("GatewayAPIIsThere", func(t *testing.T) {
		list, err := client.Discovery().ServerResourcesForGroupVersion("gateway.networking.k8s.io/v1")
		require.NoError(t, err)
		require.NotEmpty(t, list.APIResources)
	})
	for _, part := range []string{"kubelet", "kube-apiserver", "etcd", "kube-proxy", "coredns"} {
		t.Run("Kill "+part, func(t *testing.T) {
			require.NoError(t, syscall.Kill(n.pid(t, part), syscall.SIGKILL))
			n.wait(t, part+" is back", 30*time.Second, func(c cluster.Change) bool { return c.Part == part && c.State == "ready" && c.Restarts == 1 })
			require.Eventually(t, func() bool { return get(service+":80") == "hello\n" }, 10*time.Second, 50*time.Millisecond)
			require.Equal(t, pod.UID, appPods(ctx, t, client)[0].UID)
			require.Zero(t, appPods(ctx, t, client)[0].Status.ContainerStatuses[0].RestartCount, "the app was restarted")
		})
	}
	t.Run("Kill containerd", func(t *testing.T) {
		for _, line := range sandboxtest.Snapshot(t, n.marks[0]) {
			var pid int
			var exe string
			if _, err := fmt.Sscanf(line, "process %d %s", &pid, &exe); err == nil && exe == "containerd" {
				require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			}
		}
		n.wait(t, "containerd is back", 30*time.Second, func(c cluster.Change) bool { return c.Part == "containerd" && c.State == "ready" && c.Restarts == 1 })
		require.Equal(t, "hello\n", get(service+":80"))
	})
	t.Run("Kill the node and start it again", func(t *testing.T) {
		require.NoError(t, n.cmd.Process.Kill())
		_ = n.cmd.Wait()
		again := startNode(t, strings.TrimSuffix(n.marks[0], "-node"), n.dir)
		began := time.Now()
		require.Eventually(t, func() bool { return get(service+":80") == "hello\n" }, time.Minute, 50*time.Millisecond)
		t.Logf("the app answered %s after the node was ready again", time.Since(began))
		seen := strings.Join(sandboxtest.Snapshot(t, n.marks...), "\n")
		for _, kind := range []string{"process ", "link ", "route ", "iptables ", "cgroup "} {
			require.Contains(t, seen, kind, "the test would not see what is left")
		}
		took := again.stop(t)
		t.Logf("stopped in %s", took)
		require.Less(t, took, 10*time.Second)
		sandboxtest.Gone(t, n.marks...)
	})
}

// TestTwoNodes runs two nodes on one machine at the same time.
func TestTwoNodes(t *testing.T) {
	needNode(t)
	stamp := time.Now().UnixNano() % 100000
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var nodes [2]*node
	for i := range nodes {
		nodes[i] = startNode(t, fmt.Sprintf("pair%d-%d", i, stamp), t.TempDir())
	}
	for _, n := range nodes {
		client, _ := n.client(t)
		createApp(ctx, t, client, n.image)
		service, _ := awaitApp(ctx, t, client, 30*time.Second)
		require.Eventually(t, func() bool { return get(service+":80") == "hello\n" }, 10*time.Second, 50*time.Millisecond)
	}
	for _, n := range nodes {
		n.stop(t)
		sandboxtest.Gone(t, n.marks...)
	}
}

func createApp(ctx context.Context, t *testing.T, client kubernetes.Interface, image string) {
	t.Helper()
	labels := map[string]string{"app": "app"}
	_, err := client.AppsV1().Deployments("default").Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "app"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
				Containers: []corev1.Container{{
					Name: "app", Image: image,
					Command:        []string{"/bin/busybox", "sh", "-c", "/bin/busybox mkdir -p /www; echo hello > /www/index.html; echo started; exec /bin/busybox httpd -f -p 8080 -h /www"},
					ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(8080)}}, PeriodSeconds: 1},
				}},
			}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = client.CoreV1().Services("default").Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "app"},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
}

// awaitApp waits until the app's pod is ready and returns the Service's address.
func awaitApp(ctx context.Context, t *testing.T, client kubernetes.Interface, limit time.Duration) (string, corev1.Pod) {
	t.Helper()
	var pod corev1.Pod
	began := time.Now()
	require.Eventually(t, func() bool {
		pods := appPods(ctx, t, client)
		if len(pods) != 1 {
			return false
		}
		pod = pods[0]
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady {
				return c.Status == corev1.ConditionTrue
			}
		}
		return false
	}, limit, 50*time.Millisecond)
	t.Logf("pod ready after %s", time.Since(began))
	service, err := client.CoreV1().Services("default").Get(ctx, "app", metav1.GetOptions{})
	require.NoError(t, err)
	return service.Spec.ClusterIP, pod
}

func appPods(ctx context.Context, t *testing.T, client kubernetes.Interface) []corev1.Pod {
	t.Helper()
	var pods *corev1.PodList
	require.Eventually(t, func() (ok bool) {
		var err error
		pods, err = client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=app"})
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	return pods.Items
}

// runPod runs a shell script in a pod to its end and returns what it said.
func runPod(ctx context.Context, t *testing.T, client kubernetes.Interface, image, name, script string) string {
	t.Helper()
	_, err := client.CoreV1().Pods("default").Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{
			Name: name, Image: image,
			Command: []string{"/bin/busybox", "sh", "-c", "for c in nslookup wget; do /bin/busybox ln -s /bin/busybox /bin/$c; done; " + script + " 2>&1"},
		}}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		pod, err := client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
		return err == nil && (pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed)
	}, 30*time.Second, 50*time.Millisecond)
	return logs(ctx, client, name)
}

// execInPod runs a command in the pod's container and returns its output.
func execInPod(ctx context.Context, t *testing.T, cfg *rest.Config, client kubernetes.Interface, pod string, argv ...string) string {
	t.Helper()
	req := client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: argv, Stdout: true, Stderr: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(cfg, "GET", req.URL().String())
	require.NoError(t, err)
	var out, errs strings.Builder
	require.NoError(t, executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Stderr: &errs}), errs.String())
	return out.String()
}

func logs(ctx context.Context, client kubernetes.Interface, pod string) string {
	out, err := client.CoreV1().Pods("default").GetLogs(pod, &corev1.PodLogOptions{}).DoRaw(ctx)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// get returns the body of an HTTP answer, or the error as text.
func get(addr string) string {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return err.Error()
	}
	resp, err := client.Get("http://" + addr + "/")
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}
