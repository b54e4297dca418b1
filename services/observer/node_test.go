// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/release"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/clock"
	"github.com/hydra-platform/hydra/libs/kube"
	"github.com/hydra-platform/hydra/libs/kube/kubetest"
	"github.com/hydra-platform/hydra/libs/natsd/natsdtest"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/observer/helm"
	"github.com/hydra-platform/hydra/services/observer/prometheus"
	"github.com/hydra-platform/hydra/services/observer/telemetryset"
)

// images is a registry on this machine that the node pulls from.
type images struct{ address string }

func (i images) push(t *testing.T, reference string, files []string, entrypoint ...string) string {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "layer.tar")
	args := []string{"--create", "--file", archive, "--transform", "s,.*/,bin/,", "--absolute-names"}
	out, err := exec.Command("tar", append(args, files...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	layer, err := tarball.LayerFromFile(archive)
	require.NoError(t, err)
	img, err := mutate.AppendLayers(empty.Image, layer)
	require.NoError(t, err)
	img, err = mutate.Config(img, v1.Config{Entrypoint: entrypoint})
	require.NoError(t, err)
	tag, err := name.NewTag(i.address+"/"+reference, name.Insecure)
	require.NoError(t, err)
	require.NoError(t, remote.Write(tag, img))
	return tag.String()
}

// TestOnANode is the whole observer on a real Kubernetes node: it rolls out
// the telemetry set, measures an app with it, and tells what is wrong with
// apps that cannot run.
func TestOnANode(t *testing.T) {
	prometheusProgram, ok := kubetest.Binary("prometheus")
	collectorProgram, both := kubetest.Binary("collector")
	if !ok || !both {
		t.Skip("bin/prometheus or bin/collector is not built; run `make build`")
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	repository := images{server.Listener.Addr().String()}
	_, portText, err := net.SplitHostPort(repository.address)
	require.NoError(t, err)
	port, err := strconv.Atoi(portText)
	require.NoError(t, err)
	node := kubetest.Start(t, port, func(host string) {
		l, err := net.Listen("tcp", net.JoinHostPort(host, portText))
		require.NoError(t, err)
		inner := &http.Server{Handler: server.Config.Handler, ReadHeaderTimeout: time.Minute}
		go func() { _ = inner.Serve(l) }()
		t.Cleanup(func() { _ = inner.Close() })
	})
	e := newEntry(t, net.JoinHostPort(node.Host, "0"))
	e.drive(t)
	busybox := repository.push(t, "busybox:1", []string{"/bin/busybox"}, "/bin/busybox")

	cfg := DefaultConfig()
	cfg.PrometheusImage = repository.push(t, "hydra/prometheus:1", []string{prometheusProgram}, "/bin/prometheus")
	cfg.CollectorImage = repository.push(t, "hydra/collector:1", []string{collectorProgram}, "/bin/collector")
	cfg.EntryTarget = e.server.Listener.Addr().String()
	cfg.MeasureInterval, cfg.SettleAfter = time.Second, 5*time.Second
	require.NoError(t, cfg.Validate())
	x := begin(t, cfg, node.Kubeconfig)

	x.createApps(busybox)
	t.Run("TelemetryIsRolledOutAndVerified", func(t *testing.T) {
		began := time.Now()
		require.Eventually(t, func() bool {
			s, err := x.b.telemetry.Get(t.Context(), telemetryset.Release)
			return err == nil && s.Phase == record.Succeeded
		}, 3*time.Minute, 250*time.Millisecond, "%s", x.explain())
		t.Logf("verified after %s", time.Since(began).Round(100*time.Millisecond))
		require.Equal(t, 1, x.count("telemetry.rolledout"))
		require.Equal(t, 1, x.count("telemetry.verified"))
		s, err := x.b.telemetry.Get(t.Context(), telemetryset.Release)
		require.NoError(t, err)
		require.Equal(t, map[string]bool{"push": true, "read": true, "kubelet": true, "entry": true}, s.Checks)
	})
	t.Run("IncidentsHaveTheReason", func(t *testing.T) {
		for app, want := range map[string][2]string{
			"noimage":  {"ImagePullBackOff", "nowhere"},
			"crash":    {"CrashLoopBackOff", "exit code 3, last words: no DATABASE_URL"},
			"nosecret": {"CreateContainerConfigError", `secret "db" not found`},
			"nomemory": {"Unschedulable", "Insufficient memory"},
			"probe":    {"Unhealthy", "Readiness probe failed"},
		} {
			var found record.Incident
			require.Eventually(t, func() bool {
				list, err := x.b.incidents.List(t.Context(), "acme", app)
				if err != nil || len(list) == 0 {
					return false
				}
				found = list[0].Value
				return found.Reason == want[0]
			}, 2*time.Minute, 250*time.Millisecond, "%s: %+v", app, &found)
			require.Contains(t, found.Message, want[1])
			t.Logf("%s: %s", found.Reason, found.Message)
		}
		list, err := x.b.incidents.List(t.Context(), "acme", "shop")
		require.NoError(t, err)
		require.Empty(t, list, "a healthy app has no incident")
	})
	t.Run("TheAppIsMeasured", func(t *testing.T) {
		var l record.Load
		require.Eventually(t, func() bool {
			var err error
			l, err = x.b.loads.Get(t.Context(), "acme.shop")
			return err == nil && l.Requests > 20 && l.Requests < 60 && l.CPU > 0.01 && l.Memory > 1e5 && l.Replicas == 1 && len(l.Unknown) == 0
		}, 2*time.Minute, 250*time.Millisecond, "%+v", &l)
		t.Logf("%+v", l)
		require.Positive(t, x.count("workload.measured"))
		metrics, err := prometheus.ThroughCluster(x.client.Config, cfg.Namespace, cfg.PrometheusService)
		require.NoError(t, err)
		shot, err := newQueries(cfg).ask(t.Context(), metrics)
		require.NoError(t, err)
		for pod, bytes := range shot.memory {
			if strings.HasPrefix(pod, cfg.Namespace+"/") {
				t.Logf("%s uses %.0f MiB", pod, bytes/(1<<20))
			}
		}
	})
	detected := x.count("incident.detected")
	t.Run("ARestartDoublesNothing", func(t *testing.T) {
		x.restart()
		require.Never(t, func() bool {
			return x.count("incident.detected") != detected || x.count("telemetry.rolledout") != 1
		}, 12*time.Second, time.Second)
	})
	t.Run("IncidentsEndWithTheirCause", func(t *testing.T) {
		require.NoError(t, x.client.Typed.AppsV1().Deployments("hydra-acme").Delete(t.Context(), "crash", metav1.DeleteOptions{}))
		require.Eventually(t, func() bool {
			list, err := x.b.incidents.List(t.Context(), "acme", "crash")
			return err == nil && len(list) > 0 && !list[0].Value.ResolvedAt.IsZero()
		}, 90*time.Second, 250*time.Millisecond)
		require.Equal(t, 1, x.count("incident.resolved"))
	})
	t.Run("AnInterruptedUpgradeIsTakenUp", func(t *testing.T) {
		x.stop()
		x.leavePending()
		chart, err := telemetryset.Chart()
		require.NoError(t, err)
		values := telemetryset.Values{PrometheusImage: cfg.PrometheusImage, CollectorImage: cfg.CollectorImage, EntryTarget: cfg.EntryTarget}
		request := helm.Request{Name: telemetryset.Release, Chart: chart, Values: values.Map(), Timeout: time.Minute}
		client := helm.New(x.client.Config, cfg.Namespace)
		result, err := client.Ensure(t.Context(), request)
		require.NoError(t, err)
		require.Equal(t, helm.Result{Revision: 2, Changed: true, Resumed: "pending-upgrade"}, result)
		result, err = client.Ensure(t.Context(), request)
		require.NoError(t, err)
		require.Equal(t, helm.Result{Revision: 2}, result, "nothing to do")
	})
}

// observed is an observer that runs on the node.
type observed struct {
	t      *testing.T
	cfg    *Config
	deps   service.Deps
	client *kube.Client
	b      *buckets
	stop   func()
}

func begin(t *testing.T, cfg *Config, kubeconfig string) *observed {
	t.Helper()
	_, nc := natsdtest.Start(t)
	b, err := bus.New(t.Context(), nc, bus.Options{Unit: "observer", Log: zerolog.Nop()})
	require.NoError(t, err)
	lazy := kube.NewLazy(kubeconfig)
	client, err := lazy.Get()
	require.NoError(t, err)
	x := &observed{t: t, cfg: cfg, client: client, deps: service.Deps{Bus: b, Kube: lazy, Clock: clock.System{}}, stop: func() {}}
	x.start()
	t.Cleanup(func() { x.stop() })
	return x
}

func (x *observed) start() {
	s, err := New(x.cfg, x.deps)
	require.NoError(x.t, err)
	x.b, err = s.open(x.t.Context())
	require.NoError(x.t, err)
	log := zerolog.New(zerolog.NewTestWriter(x.t)).Level(zerolog.InfoLevel)
	ctx, cancel := context.WithCancel(log.WithContext(context.Background()))
	done := make(chan struct{})
	go func() { _ = s.Run(ctx); close(done) }()
	x.stop = func() { cancel(); <-done; x.stop = func() {} }
}

func (x *observed) restart() { x.stop(); x.start() }

func (x *observed) count(event string) int {
	n := 0
	require.NoError(x.t, x.deps.Bus.History(x.t.Context(), bus.Query{Types: []string{event}}, func(bus.Stored) error { n++; return nil }))
	return n
}

func (x *observed) explain() string {
	s, err := x.b.telemetry.Get(x.t.Context(), telemetryset.Release)
	return strings.TrimSpace(strings.Join([]string{s.Reason, errorText(err)}, " "))
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// createApps makes one app that is well and others that cannot be.
func (x *observed) createApps(busybox string) {
	ctx := x.t.Context()
	_, err := x.client.Typed.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "hydra-acme"}}, metav1.CreateOptions{})
	require.NoError(x.t, err)
	require.NoError(x.t, x.b.apps.Put(ctx, "acme.shop", record.App{Name: "shop", Project: "acme", URL: "http://shop.acme.localhost:7080"}))
	busy := []string{"sh", "-c", "while true; do :; done & wait"}
	for app, change := range map[string]func(c *corev1.Container){
		"shop":    func(c *corev1.Container) { c.Args = busy; c.Resources.Limits = limits("200m", "") },
		"noimage": func(c *corev1.Container) { c.Image = strings.Replace(busybox, "busybox", "nowhere", 1) },
		"crash": func(c *corev1.Container) {
			c.Args = []string{"sh", "-c", "echo starting; echo no DATABASE_URL; exit 3"}
		},
		"nosecret": func(c *corev1.Container) {
			c.EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}
		},
		"nomemory": func(c *corev1.Container) { c.Resources.Requests = limits("", "10Ti") },
		"probe": func(c *corev1.Container) {
			c.Args = []string{"sleep", "1000"}
			c.ReadinessProbe = &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"/bin/busybox", "false"}}}}
		},
	} {
		labels := map[string]string{kube.LabelApp: app, kube.LabelProject: "acme", kube.LabelRevision: "1"}
		container := corev1.Container{Name: app, Image: busybox}
		change(&container)
		one, grace := int32(1), int64(0)
		_, err := x.client.Typed.AppsV1().Deployments("hydra-acme").Create(ctx, &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: app, Labels: labels},
			Spec: appsv1.DeploymentSpec{
				Replicas: &one, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{kube.LabelApp: app}},
				Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{container}, TerminationGracePeriodSeconds: &grace}},
			},
		}, metav1.CreateOptions{})
		require.NoError(x.t, err)
	}
}

// leavePending puts the release into the state that a killed process leaves.
func (x *observed) leavePending() {
	cfg := new(action.Configuration)
	require.NoError(x.t, cfg.Init(helm.Getter(x.client.Config, x.cfg.Namespace), x.cfg.Namespace, "secret", func(string, ...any) {}))
	last, err := cfg.Releases.Last(telemetryset.Release)
	require.NoError(x.t, err)
	last.SetStatus(release.StatusPendingUpgrade, "")
	require.NoError(x.t, cfg.Releases.Update(last))
}

func limits(cpu, memory string) corev1.ResourceList {
	list := corev1.ResourceList{}
	if cpu != "" {
		list[corev1.ResourceCPU] = resource.MustParse(cpu)
	}
	if memory != "" {
		list[corev1.ResourceMemory] = resource.MustParse(memory)
	}
	return list
}
