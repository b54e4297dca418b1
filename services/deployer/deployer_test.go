// SPDX-License-Identifier: Apache-2.0

package deployer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/kube"
	"github.com/hydra-platform/hydra/libs/natsd"
	"github.com/hydra-platform/hydra/libs/natsd/natsdtest"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/libs/telemetry"
	"github.com/hydra-platform/hydra/services/deployer"
	"github.com/hydra-platform/hydra/services/deployer/oam"
)

// platform is a deployer with a JetStream of its own, and whoever sends it
// events and reads what it says.
type platform struct {
	t        *testing.T
	server   *natsd.Server
	bus      *bus.Bus
	apps     *store.Bucket[record.App]
	releases *store.Bucket[record.Release]
	run      func() (stop func())

	mu     sync.Mutex
	events []told // guarded by mu
}

type told struct {
	meta events.Meta
	data []byte
}

// newPlatform prepares everything but the deployer itself, which run starts.
func newPlatform(t *testing.T, kubeconfig string) *platform {
	t.Helper()
	server, nc := natsdtest.Start(t)
	b, err := bus.New(t.Context(), nc, bus.Options{Unit: "test", Log: zerolog.Nop()})
	require.NoError(t, err)
	p := &platform{t: t, server: server, bus: b}
	p.apps, err = store.Open[record.App](t.Context(), b.JetStream(), record.Apps)
	require.NoError(t, err)
	p.releases, err = store.Open[record.Release](t.Context(), b.JetStream(), record.Releases)
	require.NoError(t, err)
	p.run = func() func() {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() {
			done <- service.Run(ctx, service.Options{
				NATS: nc, Kubeconfig: kubeconfig, Log: zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel), Telemetry: telemetry.New("test", ""),
				Override: func(_ string, cfg any) { cfg.(*deployer.Config).HealthDeadline = deployer.Duration(20 * time.Second) },
			}, deployer.Unit)
		}()
		return sync.OnceFunc(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}
	p.listen()
	return p
}

// listen collects what the deployer emits.
func (p *platform) listen() {
	ctx, cancel := context.WithCancel(context.Background())
	sub, err := p.bus.JetStream().OrderedConsumer(ctx, bus.StreamEvents, orderedAll())
	require.NoError(p.t, err)
	messages, err := sub.Messages()
	require.NoError(p.t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			msg, err := messages.Next()
			if err != nil {
				return
			}
			ev, err := bus.FromMessage(msg.Headers(), msg.Data())
			if err != nil || ev.Source() != "/hydra/deployer" {
				continue
			}
			p.mu.Lock()
			p.events = append(p.events, told{events.Meta{Type: events.Type(ev.Type()), ID: ev.ID(), App: strings.Split(msg.Subject(), ".")[4]}, ev.Data()})
			p.mu.Unlock()
		}
	}()
	p.t.Cleanup(func() { messages.Stop(); cancel(); <-done })
}

// said lists the names of the events about an app, in order.
func (p *platform) said(app string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, e := range p.events {
		if e.meta.App == app {
			out = append(out, e.meta.Type.Name())
		}
	}
	return out
}

// last decodes the newest event of a type about an app.
func last[T events.Payload](p *platform, app string) (out T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.events) - 1; i >= 0; i-- {
		if e := p.events[i]; e.meta.App == app && e.meta.Type == out.EventType() {
			require.NoError(p.t, events.Decode(e.data, &out))
			return out
		}
	}
	p.t.Fatalf("no %s about %s in %v", out.EventType(), app, p.events)
	return out
}

func (p *platform) emit(app, key string, payload events.Payload) {
	p.t.Helper()
	require.NoError(p.t, p.bus.Emit(p.t.Context(), payload, bus.For("acme", app), bus.Key(app+key)))
}

// publish says that an image with the given tag was built.
func (p *platform) publish(app, build, tag, spec string) {
	p.t.Helper()
	p.emit(app, build, events.ArtifactPublished{
		ArtifactID: "pkg:oci/" + app + "@" + build, Image: "example.test/" + app + ":" + tag, BuildID: build, Spec: spec, SpecPath: "hydra.yaml",
		Commit: events.Commit{Repository: "r", SHA: "sha-" + build, Message: "change " + build},
	})
}

func (p *platform) create(app string) {
	p.t.Helper()
	p.emit(app, "create", events.ApplicationRequested{Name: app, Repository: "https://example.test/" + app + ".git"})
}

func (p *platform) app(name string) record.App {
	a, err := p.apps.Get(p.t.Context(), record.Key("acme", name))
	if err != nil {
		return record.App{}
	}
	return a
}

func (p *platform) history(app string) []record.Release {
	entries, err := p.releases.List(p.t.Context(), "acme", app)
	require.NoError(p.t, err)
	out := make([]record.Release, len(entries))
	for i, e := range entries {
		out[i] = e.Value
	}
	return out
}

// ended waits until an app's release is told to have ended.
func (p *platform) ended(app string, revision int, phase record.Phase) record.Release {
	p.t.Helper()
	return p.endedWithin(time.Minute, app, revision, phase)
}

func (p *platform) endedWithin(limit time.Duration, app string, revision int, phase record.Phase) record.Release {
	p.t.Helper()
	var rel record.Release
	require.Eventually(p.t, func() bool {
		var err error
		rel, err = p.releases.Get(p.t.Context(), record.Key("acme", app, fmt.Sprintf("%06d", revision)))
		return err == nil && rel.Announced
	}, limit, 50*time.Millisecond, "revision %d of %s: %+v", revision, app, p.history(app))
	require.Equal(p.t, phase, rel.Phase, "%s: %s", rel.Reason, rel.Detail)
	return rel
}

func (p *platform) heard(app string, want ...string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return len(p.said(app)) >= len(want) }, 10*time.Second, 20*time.Millisecond)
	require.Equal(p.t, want, p.said(app))
}

func (p *platform) log(app string, revision int) string {
	var lines []string
	err := store.ReadLog(p.t.Context(), p.bus.JetStream(), record.LogSubject("acme", app, "deploy", fmt.Sprintf("%06d", revision)), false, func(l store.LogLine) error {
		lines = append(lines, l.Text)
		return nil
	})
	require.NoError(p.t, err)
	return strings.Join(lines, "\n")
}

// spec is an Application with one component of each given line.
func spec(lines ...string) string {
	return "apiVersion: core.oam.dev/v1beta1\nkind: Application\nmetadata: {name: app}\nspec:\n  components:\n    - " + strings.Join(lines, "\n    - ") + "\n"
}

// TestDeployer runs the deployer against a real API server whose controllers
// make pods; playKubelet is their node.
func TestDeployer(t *testing.T) {
	t.Parallel()
	cp := startControlPlane(t)
	playKubelet(t, cp.client)
	p := newPlatform(t, cp.kubeconfig)
	t.Cleanup(p.run())
	p.emit(events.None, "project", events.ProjectCreated{Name: "acme"})
	require.Eventually(t, func() bool {
		ns, err := cp.client.Typed.CoreV1().Namespaces().Get(t.Context(), "hydra-acme", metav1.GetOptions{})
		return err == nil && ns.Labels["pod-security.kubernetes.io/enforce"] == "baseline" && ns.Labels[kube.LabelProject] == "acme"
	}, 20*time.Second, 50*time.Millisecond)

	// Subtests share the cluster; each has apps of its own.
	t.Run("group", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *controlPlane, *platform){
			"DeployUpgradeRollBack":     testDeployUpgradeRollBack,
			"FailureRollsBack":          testFailureRollsBack,
			"FirstRevisionFails":        testFirstRevisionFails,
			"InvalidSpecChangesNothing": testInvalidSpecChangesNothing,
			"Prune":                     testPrune,
			"TaskBeforeService":         testTaskBeforeService,
			"ReplicasAreLeftAlone":      testReplicasAreLeftAlone,
			"NamesDoNotCollide":         testNamesDoNotCollide,
			"Removal":                   testRemoval,
			"PodSecurity":               testPodSecurity,
			"Repetition":                testRepetition,
			"RecordFollowsCluster":      testRecordFollowsCluster,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				q := &platform{t: t, bus: p.bus, apps: p.apps, releases: p.releases}
				q.listen()
				test(t, cp, q)
			})
		}
	})

	t.Run("ProjectDeleted", func(t *testing.T) {
		p.create("late")
		p.publish("late", "b1", "ok", "")
		p.ended("late", 1, record.Succeeded)
		p.emit(events.None, "deleted", events.ProjectDeleted{Name: "acme"})
		require.Eventually(t, func() bool {
			_, err := cp.client.Typed.CoreV1().Namespaces().Get(t.Context(), "hydra-acme", metav1.GetOptions{})
			left, e := p.apps.List(t.Context(), "acme")
			return apierrors.IsNotFound(err) && e == nil && len(left) == 0 && len(p.history("late")) == 0
		}, 60*time.Second, 100*time.Millisecond)
		p.heard("late", "rollout.started", "service.deployed", "service.removed")
	})
}

func testDeployUpgradeRollBack(t *testing.T, cp *controlPlane, p *platform) {
	p.create("shop")
	require.Eventually(t, func() bool { return p.app("shop").Status == record.AppPending }, 10*time.Second, 20*time.Millisecond)
	p.publish("shop", "b1", "ok", "")
	p.ended("shop", 1, record.Succeeded)
	app := p.app("shop")
	require.Equal(t, record.AppHealthy, app.Status)
	require.Equal(t, "http://shop.acme.localhost:7080", app.URL)
	require.Equal(t, []int{1, 1, 1, 1}, []int{app.Revision, app.Healthy, app.Replicas, app.Desired})
	require.Equal(t, []record.Workload{{Component: "shop", APIVersion: "apps/v1", Kind: "Deployment", Name: "shop", Namespace: "hydra-acme"}}, app.Workloads)
	route, err := cp.client.Dynamic.Resource(routes()).Namespace("hydra-acme").Get(t.Context(), "shop", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, "1", route.GetLabels()[kube.LabelRevision])

	p.publish("shop", "b2", "ok2", "")
	p.ended("shop", 2, record.Succeeded)
	require.Equal(t, record.Superseded, p.history("shop")[0].Phase)
	p.emit("shop", "back", events.RollbackRequested{Name: "shop", By: "ann"})
	rel := p.ended("shop", 3, record.Succeeded)
	require.Equal(t, "example.test/shop:ok", rel.Image)
	require.Equal(t, "back to revision 1, asked for by ann", rel.Message)
	require.Equal(t, record.RolledBack, p.history("shop")[1].Phase)
	p.heard("shop", "rollout.started", "service.deployed", "rollout.started", "service.upgraded", "rollout.started", "service.rolledback")
	back := last[events.ServiceRolledBack](p, "shop")
	require.False(t, back.Automatic)
	require.Equal(t, []int{2, 3}, []int{back.FromRevision, back.State.Revision})
	require.Equal(t, 1, back.State.Replicas)

	p.emit("shop", "nowhere", events.RollbackRequested{Name: "shop", Revision: 9})
	require.Eventually(t, func() bool { return len(p.said("shop")) == 7 }, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, "NoSuchRevision", last[events.RolloutFailed](p, "shop").Reason)
	require.Contains(t, p.log("shop", 1), "applied Deployment shop")
	require.Contains(t, p.log("shop", 1), "revision 1 is healthy after")
}

func testFailureRollsBack(t *testing.T, cp *controlPlane, p *platform) {
	p.create("cart")
	p.publish("cart", "b1", "ok", "")
	p.ended("cart", 1, record.Succeeded)
	for i, c := range []struct{ tag, reason, message string }{
		{"missing", "ImagePullBackOff", "image example.test/cart:missing cannot be pulled"},
		{"crash", "CrashLoopBackOff", "container cart ended 4 times, last with exit code 3"},
		{"oom", "OOMKilled", "used more memory than its limit"},
		{"unready", "ProbeFailed", "Readiness probe failed: HTTP probe failed with statuscode: 503"},
	} {
		short := strings.Replace(oam.Fileless("cart"), "metadata:\n", "metadata:\n  annotations: {hydra.dev/health-deadline: 5s}\n", 1)
		p.publish("cart", "bad-"+c.tag, c.tag, short)
		rel := p.ended("cart", i+2, record.RolledBack)
		require.Equal(t, c.reason, rel.Reason)
		require.Contains(t, rel.Detail, c.message)
		app := p.app("cart")
		require.Equal(t, record.AppHealthy, app.Status)
		require.Equal(t, 1, app.Revision)
		require.Contains(t, app.Reason, c.reason)
		back := last[events.ServiceRolledBack](p, "cart")
		require.True(t, back.Automatic)
		require.Equal(t, []int{rel.Revision, 1}, []int{back.FromRevision, back.State.Revision})
		require.Equal(t, c.reason, last[events.RolloutFailed](p, "cart").Reason)
		d, err := cp.client.Typed.AppsV1().Deployments("hydra-acme").Get(t.Context(), "cart", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, "example.test/cart:ok", d.Spec.Template.Spec.Containers[0].Image)
	}
	// The pods of the healthy revision were never taken away.
	pods, err := cp.client.Typed.CoreV1().Pods("hydra-acme").List(t.Context(), metav1.ListOptions{LabelSelector: kube.LabelApp + "=cart," + kube.LabelRevision + "=1"})
	require.NoError(t, err)
	require.Len(t, pods.Items, 1)
	require.EqualValues(t, 1, pods.Items[0].Generation)
}

func testFirstRevisionFails(t *testing.T, cp *controlPlane, p *platform) {
	p.create("first")
	p.publish("first", "b1", "crash", "")
	p.ended("first", 1, record.Failed)
	app := p.app("first")
	require.Equal(t, record.AppFailed, app.Status)
	require.Contains(t, app.Reason, "CrashLoopBackOff")
	_, err := cp.client.Typed.AppsV1().Deployments("hydra-acme").Get(t.Context(), "first", metav1.GetOptions{})
	require.NoError(t, err, "the objects are left for inspection")
	p.heard("first", "rollout.started", "rollout.failed")
	p.publish("first", "b2", "ok", "")
	p.ended("first", 2, record.Succeeded)
	p.heard("first", "rollout.started", "rollout.failed", "rollout.started", "service.deployed")
}

func testInvalidSpecChangesNothing(t *testing.T, cp *controlPlane, p *platform) {
	p.create("strict")
	p.publish("strict", "b1", "ok", "")
	p.ended("strict", 1, record.Succeeded)
	before, err := cp.client.Typed.AppsV1().Deployments("hydra-acme").Get(t.Context(), "strict", metav1.GetOptions{})
	require.NoError(t, err)
	p.publish("strict", "b2", "ok", spec("{name: strict, type: webservise}", "{name: 2, type: worker}"))
	rel := p.ended("strict", 2, record.Failed)
	require.Equal(t, "InvalidSpec", rel.Reason)
	require.Contains(t, rel.Detail, "did you mean webservice?")
	require.Contains(t, rel.Detail, "hydra.yaml:7: spec.components[1].name")
	require.Equal(t, []any{record.AppHealthy, 1}, []any{p.app("strict").Status, p.app("strict").Revision})
	after, err := cp.client.Typed.AppsV1().Deployments("hydra-acme").Get(t.Context(), "strict", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, before.Generation, after.Generation)

	p.emit("nobody", "create", events.ApplicationRequested{Name: "nobody", Spec: "kind: Nothing"})
	require.Eventually(t, func() bool { return len(p.said("nobody")) == 1 }, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, "InvalidSpec", last[events.RolloutFailed](p, "nobody").Reason)
	require.Empty(t, p.app("nobody").Name)
}

func testPrune(t *testing.T, cp *controlPlane, p *platform) {
	configMap := func(name string) string {
		return "{name: c, type: k8s-objects, properties: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + "}}]}}"
	}
	p.emit("multi", "1", events.ApplicationRequested{Name: "multi", Spec: spec("{name: multi-web, type: webservice, properties: {image: 'x.test/a:ok', ports: [{port: 80, expose: true}]}}", "{name: multi-job, type: worker, properties: {image: 'x.test/a:ok'}}", configMap("multi-a"))})
	p.ended("multi", 1, record.Succeeded)
	require.Equal(t, 2, p.app("multi").Replicas)
	p.emit("multi", "2", events.ApplicationRequested{Name: "multi", Spec: spec("{name: multi-web, type: webservice, properties: {image: 'x.test/a:ok', ports: [{port: 80, expose: true}]}}", configMap("multi-b"))})
	p.ended("multi", 2, record.Succeeded)
	_, err := cp.client.Typed.AppsV1().Deployments("hydra-acme").Get(t.Context(), "multi-job", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err))
	_, err = cp.client.Typed.CoreV1().ConfigMaps("hydra-acme").Get(t.Context(), "multi-a", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err))
	_, err = cp.client.Typed.CoreV1().ConfigMaps("hydra-acme").Get(t.Context(), "multi-b", metav1.GetOptions{})
	require.NoError(t, err)
	_, err = cp.client.Typed.CoreV1().Services("hydra-acme").Get(t.Context(), "multi-web", metav1.GetOptions{})
	require.NoError(t, err)
	// The same form again is no new revision.
	p.emit("multi", "3", events.ApplicationRequested{Name: "multi", Spec: p.history("multi")[1].Spec})
	p.emit("multi", "4", events.ApplicationRequested{Name: "multi", Spec: spec("{name: multi-web, type: worker, properties: {image: 'x.test/a:ok', imag: x}}")})
	p.ended("multi", 3, record.Succeeded)
	require.Len(t, p.history("multi"), 3)
	require.Contains(t, p.log("multi", 3), "warning: spec:6: spec.components[0].properties.imag: unknown key, ignored; did you mean image?")
}

func testTaskBeforeService(t *testing.T, cp *controlPlane, p *platform) {
	text := spec("{name: task-web, type: webservice, dependsOn: [task-migrate], properties: {image: 'x.test/a:ok'}}", "{name: task-migrate, type: task, properties: {image: 'x.test/a:%s'}}")
	p.emit("task", "1", events.ApplicationRequested{Name: "task", Spec: fmt.Sprintf(text, "done")})
	p.ended("task", 1, record.Succeeded)
	log := p.log("task", 1)
	require.Less(t, strings.Index(log, "applied Job task-migrate-v1"), strings.Index(log, "applied Deployment task-web"))
	_, err := cp.client.Typed.BatchV1().Jobs("hydra-acme").Get(t.Context(), "task-migrate-v1", metav1.GetOptions{})
	require.NoError(t, err)
	p.emit("task", "2", events.ApplicationRequested{Name: "task", Spec: fmt.Sprintf(text, "crash") + "  policies: [{type: health-deadline, properties: {duration: 5s}}]\n"})
	rel := p.ended("task", 2, record.RolledBack)
	require.Equal(t, "CrashLoopBackOff", rel.Reason)
	d, err := cp.client.Typed.AppsV1().Deployments("hydra-acme").Get(t.Context(), "task-web", metav1.GetOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 1, d.Generation, "the service never changed")
	_, err = cp.client.Typed.BatchV1().Jobs("hydra-acme").Get(t.Context(), "task-migrate-v2", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err))
}

func testReplicasAreLeftAlone(t *testing.T, cp *controlPlane, p *platform) {
	replicas := func() int {
		d, err := cp.client.Typed.AppsV1().Deployments("hydra-acme").Get(t.Context(), "elastic", metav1.GetOptions{})
		require.NoError(t, err)
		return int(*d.Spec.Replicas)
	}
	with := func(trait string) string {
		return spec("{name: elastic, type: webservice, properties: {}, traits: [{type: " + trait + "}]}")
	}
	p.create("elastic")
	p.publish("elastic", "b1", "ok", with("autoscaler, properties: {min: 2, max: 5, requestsPerSecond: 10}"))
	p.ended("elastic", 1, record.Succeeded)
	require.Equal(t, &record.ScalePolicy{Min: 2, Max: 5, RequestsPerSecond: 10}, p.app("elastic").Scaling)
	require.Equal(t, 2, replicas())
	scale, err := cp.client.Typed.AppsV1().Deployments("hydra-acme").GetScale(t.Context(), "elastic", metav1.GetOptions{})
	require.NoError(t, err)
	scale.Spec.Replicas = 4
	_, err = cp.client.Typed.AppsV1().Deployments("hydra-acme").UpdateScale(t.Context(), "elastic", scale, metav1.UpdateOptions{})
	require.NoError(t, err)
	p.publish("elastic", "b2", "ok2", with("autoscaler, properties: {min: 2, max: 5, requestsPerSecond: 10}"))
	p.ended("elastic", 2, record.Succeeded)
	require.Equal(t, 4, replicas(), "a new revision keeps what the scaler set")
	p.publish("elastic", "b3", "ok3", with("scaler, properties: {replicas: 3}"))
	p.ended("elastic", 3, record.Succeeded)
	require.Equal(t, 3, replicas(), "the trait scaler fixes it")
	require.Nil(t, p.app("elastic").Scaling)
	p.publish("elastic", "b4", "ok4", with("hpa, properties: {min: 1}"))
	p.ended("elastic", 4, record.Succeeded)
	require.Equal(t, 3, replicas(), "giving it up does not reset it")
}

func testNamesDoNotCollide(t *testing.T, _ *controlPlane, p *platform) {
	p.emit("one", "1", events.ApplicationRequested{Name: "one", Spec: spec("{name: same, type: worker, properties: {image: 'x.test/a:ok'}}")})
	p.ended("one", 1, record.Succeeded)
	p.emit("two", "1", events.ApplicationRequested{Name: "two", Spec: spec("{name: same, type: worker, properties: {image: 'x.test/a:ok'}}")})
	rel := p.ended("two", 1, record.Failed)
	require.Equal(t, "NameConflict", rel.Reason)
	require.Contains(t, rel.Detail, "Deployment same belongs to app one already")
	p.emit("three", "1", events.ApplicationRequested{Name: "three", Spec: spec("{name: c, type: k8s-objects, properties: {objects: [{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: all}}]}}")})
	require.Equal(t, "ClusterScoped", p.ended("three", 1, record.Failed).Reason)
	p.emit("four", "1", events.ApplicationRequested{Name: "four", Spec: spec("{name: c, type: k8s-objects, properties: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: four}, dta: {}}]}}")})
	require.Equal(t, "Invalid", p.ended("four", 1, record.Failed).Reason)
}

func testRemoval(t *testing.T, cp *controlPlane, p *platform) {
	p.create("gone")
	p.publish("gone", "b1", "ok", "")
	p.ended("gone", 1, record.Succeeded)
	p.emit("gone", "remove", events.ApplicationRemovalRequested{Name: "gone"})
	p.heard("gone", "rollout.started", "service.deployed", "service.removed")
	require.Eventually(t, func() bool { return p.app("gone").Name == "" && len(p.history("gone")) == 0 }, 20*time.Second, 50*time.Millisecond)
	pods, err := cp.client.Typed.CoreV1().Pods("hydra-acme").List(t.Context(), metav1.ListOptions{LabelSelector: kube.LabelApp + "=gone"})
	require.NoError(t, err)
	require.Empty(t, pods.Items)
	_, err = cp.client.Dynamic.Resource(routes()).Namespace("hydra-acme").Get(t.Context(), "gone", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err))
	// The same name again begins at revision 1, and its events are new ones.
	p.emit("gone", "again", events.ApplicationRequested{Name: "gone", Repository: "https://example.test/gone.git"})
	p.publish("gone", "b9", "ok", "")
	p.ended("gone", 1, record.Succeeded)
	p.heard("gone", "rollout.started", "service.deployed", "service.removed", "rollout.started", "service.deployed")
}

func testPodSecurity(t *testing.T, _ *controlPlane, p *platform) {
	p.emit("host", "1", events.ApplicationRequested{Name: "host", Spec: spec("{name: host, type: worker, properties: {image: 'x.test/a:ok', volumeMounts: {hostPath: [{name: root, mountPath: /host, path: /}]}}}")})
	rel := p.ended("host", 1, record.Failed)
	require.Equal(t, "PodSecurity", rel.Reason)
	require.Contains(t, rel.Detail, "hostPath volumes")
}

// testRepetition delivers what was handled already once more, under the same
// and under another id.
func testRepetition(t *testing.T, _ *controlPlane, p *platform) {
	p.create("twice")
	p.publish("twice", "b1", "ok", "")
	p.ended("twice", 1, record.Succeeded)
	p.emit("twice", "other-id", events.ArtifactPublished{ArtifactID: "pkg:oci/twice@b1", Image: "example.test/twice:ok", BuildID: "b1"})
	p.create("twice")
	p.publish("twice", "b2", "ok2", "")
	p.ended("twice", 2, record.Succeeded)
	require.Len(t, p.history("twice"), 2)
	p.heard("twice", "rollout.started", "service.deployed", "rollout.started", "service.upgraded")
}

func testRecordFollowsCluster(t *testing.T, cp *controlPlane, p *platform) {
	p.create("watched")
	p.publish("watched", "b1", "ok", "")
	p.ended("watched", 1, record.Succeeded)
	pods, err := cp.client.Typed.CoreV1().Pods("hydra-acme").List(t.Context(), metav1.ListOptions{LabelSelector: kube.LabelApp + "=watched"})
	require.NoError(t, err)
	pod := pods.Items[0]
	set := func(status string) {
		patch, _ := json.Marshal(map[string]any{"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": status}}}})
		_, err := cp.client.Typed.CoreV1().Pods("hydra-acme").Patch(t.Context(), pod.Name, "application/strategic-merge-patch+json", patch, metav1.PatchOptions{}, "status")
		require.NoError(t, err)
	}
	set("False")
	require.Eventually(t, func() bool { return p.app("watched").Status == record.AppDegraded }, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, "0 of 1 replicas are ready", p.app("watched").Reason)
	require.Equal(t, 0, p.app("watched").Replicas)
	set("True")
	require.Eventually(t, func() bool { return p.app("watched").Status == record.AppHealthy && p.app("watched").Replicas == 1 }, 20*time.Second, 50*time.Millisecond)
}

// TestInterruptions stops the deployer and the API server in the middle of
// roll-outs: a release goes on where it was, and none fails for it.
func TestInterruptions(t *testing.T) {
	t.Parallel()
	cp := startControlPlane(t)
	p := newPlatform(t, cp.kubeconfig)
	stop := p.run()
	p.create("shop")
	p.publish("shop", "b1", "ok", "")
	require.Eventually(t, func() bool {
		list := p.history("shop")
		return len(list) == 1 && list[0].Phase == record.Running
	}, 20*time.Second, 20*time.Millisecond)
	// No kubelet yet: the release is under way. The deployer goes and comes.
	stop()
	deadline := p.history("shop")[0].Deadline
	stop = p.run()
	t.Cleanup(func() { stop() })
	// The API server is away for longer than a look, then answers again.
	require.NoError(t, cp.apiserver.cmd.Process.Signal(syscall.SIGSTOP))
	time.AfterFunc(3*time.Second, func() { _ = cp.apiserver.cmd.Process.Signal(syscall.SIGCONT) })
	playKubelet(t, cp.client)
	rel := p.ended("shop", 1, record.Succeeded)
	require.False(t, rel.Deadline.Before(deadline))
	require.Len(t, p.history("shop"), 1)
	p.heard("shop", "rollout.started", "service.deployed")
}

// TestWithoutCluster leaves everything waiting and nothing failed.
func TestWithoutCluster(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, filepath.Join(t.TempDir(), "kubeconfig"))
	t.Cleanup(p.run())
	p.create("shop")
	p.publish("shop", "b1", "ok", "")
	require.Eventually(t, func() bool {
		list := p.history("shop")
		return len(list) == 1 && list[0].Phase == record.Running
	}, 20*time.Second, 20*time.Millisecond)
	require.Equal(t, record.AppDeploying, p.app("shop").Status)
	p.heard("shop", "rollout.started")
}

func routes() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
}

func orderedAll() jetstream.OrderedConsumerConfig {
	return jetstream.OrderedConsumerConfig{FilterSubjects: []string{"ev.>"}}
}
