// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/gateway"
)

const spec = `apiVersion: core.oam.dev/v1beta1
kind: Application
metadata:
  name: shop
spec:
  components:
    - name: shop
      type: webservice
      properties:
        image: shop:1
`

// deployer takes applications up as the real one does: what it does not
// accept is answered by rollout.failed and changes nothing.
func (b *bundle) deployer(refuse string) {
	b.peer("deployer", func(r *bus.Router, u *bus.Bus) {
		bus.On(r, func(ctx context.Context, e events.Event[events.ApplicationRequested]) error {
			if refuse != "" {
				return u.Emit(ctx, events.RolloutFailed{Reason: "InvalidSpec", Message: refuse})
			}
			apps, err := store.Open[record.App](ctx, b.js, record.Apps)
			if err != nil {
				return err
			}
			_, err = apps.Update(ctx, record.Key(e.Project, e.App), func(a *record.App, exists bool) error {
				if !exists {
					*a = record.App{Name: e.App, Project: e.Project, CreatedAt: e.Time}
				}
				a.Repository, a.Branch, a.Path, a.Spec, a.Status, a.UpdatedAt = e.Data.Repository, e.Data.Branch, e.Data.Path, e.Data.Spec, record.AppPending, e.Time
				return nil
			})
			return err
		}, events.RolloutFailed{})
	})
}

func TestAppIsRequestedByEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.project("acme")
	b.deployer("")
	want := map[string]any{"repository": "https://github.com/acme/shop.git", "branch": "develop", "path": "services/shop", "spec": spec}
	a := b.callAs(token, http.MethodPut, "/projects/acme/apps/shop", want)
	require.Equal(t, http.StatusAccepted, a.status, string(a.body))
	var app record.App
	a.into(&app)
	require.Equal(t, "develop", app.Branch)
	require.Equal(t, spec, app.Spec)
	require.Equal(t, events.ApplicationRequested{
		Name: "shop", Repository: "https://github.com/acme/shop.git", Branch: "develop", Path: "services/shop", Spec: spec, By: "dev of acme",
	}, decode[events.ApplicationRequested](t, b.events("application.requested")[0]))

	// The same again answers at once, without waiting for a change.
	start := time.Now()
	require.Equal(t, http.StatusAccepted, b.callAs(token, http.MethodPut, "/projects/acme/apps/shop", want).status)
	require.Less(t, time.Since(start), time.Second)

	var list gateway.List[record.App]
	b.get("/projects/acme/apps", &list)
	require.Equal(t, 1, list.Total)
	b.get("/projects/acme/apps/shop", &app)
	require.Equal(t, "services/shop", app.Path)
	b.call(http.MethodGet, "/projects/acme/apps/till", nil).problem(http.StatusNotFound)

	require.Equal(t, http.StatusAccepted, b.callAs(token, http.MethodDelete, "/projects/acme/apps/shop", nil).status)
	require.Equal(t, "shop", decode[events.ApplicationRemovalRequested](t, b.events("application.removalrequested")[0]).Name)
}

func TestAppOfADeployerThatIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *gateway.Config, _ *service.Deps) { c.Wait = 200 * time.Millisecond })
	// The gateway itself answers quickly enough for the project.
	require.Eventually(t, func() bool {
		return b.call(http.MethodGet, "/projects/acme", nil).status == 200 || b.call(http.MethodPost, "/projects", map[string]any{"name": "acme"}).status < 300
	}, patience, 10*time.Millisecond)
	a := b.call(http.MethodPut, "/projects/acme/apps/shop", map[string]any{"spec": spec})
	require.Equal(t, http.StatusAccepted, a.status, string(a.body))
	var app record.App
	a.into(&app)
	require.Equal(t, record.AppPending, app.Status)
	require.Equal(t, "waiting for the deployer", app.Reason)
}

func TestDeployersRefusalIsTheAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.app("acme", "shop", "https://github.com/acme/shop", "main")
	before := b.call(http.MethodGet, "/projects/acme/apps/shop", nil).body
	b.deployer("spec:9: spec.components[0].properties.image: want a string\nspec:12: unknown key \"replcas\", did you mean \"replicas\"?")
	p := b.call(http.MethodPut, "/projects/acme/apps/shop", map[string]any{"spec": spec}).problem(http.StatusUnprocessableEntity)
	require.Contains(t, p.Detail, "want a string")
	require.Len(t, p.Errors, 2)
	require.Equal(t, "body.spec spec:9", p.Errors[0].Location)
	require.Contains(t, p.Errors[1].Message, "replicas")
	require.JSONEq(t, string(before), string(b.call(http.MethodGet, "/projects/acme/apps/shop", nil).body))
}

func TestAppRequestIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	type body = map[string]any
	for name, tc := range map[string]struct {
		app, location, message string
		body                   body
	}{
		"Nothing":        {"shop", "body.repository", "give a repository", body{}},
		"Password":       {"shop", "body.repository", "password", body{"repository": "https://me:secret@github.com/acme/shop"}},
		"RemoteHelper":   {"shop", "body.repository", "want", body{"repository": "ext::sh -c evil"}},
		"Option":         {"shop", "body.repository", "want", body{"repository": "--upload-pack=evil"}},
		"RelativeFolder": {"shop", "body.repository", "want", body{"repository": "../shop"}},
		"BranchOption":   {"shop", "body.branch", "no name", body{"spec": spec, "branch": "-f"}},
		"BranchDots":     {"shop", "body.branch", "no name", body{"spec": spec, "branch": "a..b"}},
		"PathOutside":    {"shop", "body.path", "below the repository", body{"spec": spec, "path": "../etc"}},
		"PathSneaky":     {"shop", "body.path", "below the repository", body{"spec": spec, "path": "a/../../etc"}},
		"PathAbsolute":   {"shop", "body.path", "below the repository", body{"spec": spec, "path": "/etc"}},
		"NotYAML":        {"shop", "body.spec", "line 2", body{"spec": "a: 1\nb: [\n"}},
		"NoMapping":      {"shop", "body.spec:1", "mapping", body{"spec": "- a"}},
		"OtherKind":      {"shop", "body.spec:2.kind", "line 2: kind: want Application", body{"spec": "apiVersion: core.oam.dev/v1beta1\nkind: Deployment\n"}},
		"OtherVersion":   {"shop", "body.spec:1.apiVersion", "want core.oam.dev/v1beta1", body{"spec": "apiVersion: v1\nkind: Application\n"}},
		"OtherName":      {"till", "body.spec:4.metadata.name", `is "shop"`, body{"spec": spec}},
		"NoComponents":   {"shop", "body.spec:1.spec.components", "at least one", body{"spec": "apiVersion: core.oam.dev/v1beta1\nkind: Application\nspec: {}\n"}},
		"UnknownField":   {"shop", "body.repo", "unexpected property", body{"repo": "x"}},
	} {
		a := b.call(http.MethodPut, "/projects/acme/apps/"+tc.app, tc.body)
		require.Equal(t, http.StatusUnprocessableEntity, a.status, "%s: %s", name, a.body)
		p := a.problem(http.StatusUnprocessableEntity)
		require.Equal(t, tc.location, p.Errors[0].Location, name)
		require.Contains(t, p.Errors[0].Message, tc.message, name)
		require.NotContains(t, string(a.body), "secret")
	}
	b.call(http.MethodPut, "/projects/acme/apps/Shop", body{"spec": spec}).problem(http.StatusUnprocessableEntity)
	b.call(http.MethodPut, "/projects/nobody/apps/shop", body{"spec": spec}).problem(http.StatusNotFound)
	require.Empty(t, b.events("application.requested"))
}

func TestReleasesRollbackAndScale(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.project("acme")
	b.app("acme", "shop", "", "")
	for _, n := range []int{1, 2} {
		put(b, record.Releases, record.Key("acme", "shop", []string{"", "000001", "000002"}[n]), record.Release{Project: "acme", App: "shop", Revision: n, Phase: record.Succeeded})
	}
	var releases gateway.List[record.Release]
	b.get("/projects/acme/apps/shop/releases", &releases)
	require.Equal(t, []int{2, 1}, []int{releases.Items[0].Revision, releases.Items[1].Revision})
	var one record.Release
	b.get("/projects/acme/apps/shop/releases/1", &one)
	require.Equal(t, 1, one.Revision)
	b.call(http.MethodGet, "/projects/acme/apps/shop/releases/7", nil).problem(http.StatusNotFound)

	require.Equal(t, http.StatusAccepted, b.callAs(token, http.MethodPost, "/projects/acme/apps/shop/rollback", map[string]any{}).status)
	require.Equal(t, http.StatusAccepted, b.callAs(token, http.MethodPost, "/projects/acme/apps/shop/rollback", map[string]any{"revision": 1}).status)
	b.call(http.MethodPost, "/projects/acme/apps/shop/rollback", map[string]any{"revision": 2}).problem(http.StatusConflict)
	b.call(http.MethodPost, "/projects/acme/apps/shop/rollback", map[string]any{"revision": 9}).problem(http.StatusNotFound)
	requested := b.events("rollback.requested")
	require.Len(t, requested, 2)
	require.Equal(t, events.RollbackRequested{Name: "shop", Revision: 1, By: "dev of acme"}, decode[events.RollbackRequested](t, requested[1]))

	three := 3
	require.Equal(t, http.StatusAccepted, b.callAs(token, http.MethodPost, "/projects/acme/apps/shop/scale", map[string]any{"replicas": 3}).status)
	require.Equal(t, http.StatusAccepted, b.callAs(token, http.MethodPost, "/projects/acme/apps/shop/scale", map[string]any{}).status)
	b.call(http.MethodPost, "/projects/acme/apps/shop/scale", map[string]any{"replicas": -1}).problem(http.StatusUnprocessableEntity)
	scaled := b.events("scaling.requested")
	require.Equal(t, &three, decode[events.ScalingRequested](t, scaled[0]).Replicas)
	require.Nil(t, decode[events.ScalingRequested](t, scaled[1]).Replicas)
}

func TestSignalsOfAnApp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.app("acme", "shop", "", "")
	var m gateway.Metrics
	b.get("/projects/acme/apps/shop/metrics", &m)
	require.Nil(t, m.Current)
	require.Empty(t, m.Series)
	put(b, record.Loads, "acme.shop", record.Load{Project: "acme", App: "shop", Requests: 12, At: time.Now().UTC()})
	for i := range 3 {
		require.NoError(t, b.bus.Emit(b.ctx, events.WorkloadMeasured{Name: "shop", Requests: float64(i), At: time.Now().UTC()}, bus.For("acme", "shop")))
	}
	b.get("/projects/acme/apps/shop/metrics?limit=2", &m)
	require.Equal(t, 12.0, m.Current.Requests)
	require.Equal(t, []float64{1, 2}, []float64{m.Series[0].Requests, m.Series[1].Requests})

	var target record.ScaleTarget
	b.get("/projects/acme/apps/shop/decisions", &target)
	require.Empty(t, target.Decisions)
	put(b, record.Scaling, "acme.shop", record.ScaleTarget{Project: "acme", App: "shop", Target: 4, Decisions: []record.Decision{{To: 4, Reason: "12 requests per second", Inputs: map[string]float64{"rps": 12}}}})
	b.get("/projects/acme/apps/shop/decisions", &target)
	require.Equal(t, 4, target.Decisions[0].To)

	now := time.Now().UTC()
	put(b, record.Incidents, "acme.shop.i1", record.Incident{ID: "i1", Project: "acme", App: "shop", DetectedAt: now.Add(-time.Hour), ResolvedAt: now})
	put(b, record.Incidents, "acme.shop.i2", record.Incident{ID: "i2", Project: "acme", App: "shop", DetectedAt: now})
	var incidents gateway.List[record.Incident]
	b.get("/projects/acme/apps/shop/incidents", &incidents)
	require.Equal(t, "i2", incidents.Items[0].ID)
	require.Equal(t, 2, incidents.Total)
	b.get("/projects/acme/incidents?open=true", &incidents)
	require.Equal(t, 1, incidents.Total)
}

func TestClusterPlan(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.peer("provisioner", func(r *bus.Router, _ *bus.Bus) {
		bus.On(r, func(ctx context.Context, e events.Event[events.PlanRequested]) error {
			if e.Data.PlanID == "" {
				return errors.New("no plan id")
			}
			plans, err := store.Open[record.Plan](ctx, b.js, record.Clusters)
			if err != nil {
				return err
			}
			return plans.Put(ctx, record.Key(e.Data.Name, e.Data.PlanID), record.Plan{ID: e.Data.PlanID, Cluster: e.Data.Name, Phase: record.Succeeded, Region: "eu-central-1", CreatedAt: e.Time})
		})
	})
	const cluster = "kind: Cluster\nmetadata:\n  name: prod\n"
	a := b.call(http.MethodPost, "/clusters/plans?wait=10", map[string]any{"spec": cluster})
	require.Equal(t, http.StatusCreated, a.status, string(a.body))
	var plan record.Plan
	a.into(&plan)
	require.Equal(t, "prod", plan.Cluster)
	require.Equal(t, "eu-central-1", plan.Region)
	require.Equal(t, "admin", decode[events.PlanRequested](t, b.events("infrastructure.planrequested")[0]).By)

	a = b.call(http.MethodPost, "/clusters/plans", map[string]any{"spec": cluster})
	require.Equal(t, http.StatusAccepted, a.status, string(a.body))
	var queued record.Plan
	a.into(&queued)
	require.Eventually(t, func() bool { return b.call(http.MethodGet, "/clusters/plans/"+queued.ID, nil).status == http.StatusOK }, patience, 10*time.Millisecond)
	var plans gateway.List[record.Plan]
	b.get("/clusters/plans?cluster=prod", &plans)
	require.Equal(t, 2, plans.Total)
	require.Equal(t, queued.ID, plans.Items[0].ID)
	b.call(http.MethodGet, "/clusters/plans/pnobody", nil).problem(http.StatusNotFound)
	b.call(http.MethodPost, "/clusters/plans", map[string]any{"spec": "kind: Cluster"}).problem(http.StatusUnprocessableEntity)
	b.call(http.MethodPost, "/clusters/plans", map[string]any{"spec": "a: ["}).problem(http.StatusUnprocessableEntity)
}
