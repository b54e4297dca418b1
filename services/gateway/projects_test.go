// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/auth"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/store"
)

type projectList struct {
	Items []struct{ Name, Namespace, Description string }
	Total int
}

func TestProjectIsCreatedByEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.call(http.MethodPost, "/projects", map[string]any{"name": "acme", "description": "shops"})
	require.Equal(t, http.StatusCreated, a.status, string(a.body))

	created := b.events("project.created")
	require.Len(t, created, 1)
	require.Equal(t, events.ProjectCreated{Name: "acme", Description: "shops", By: "admin"}, decode[events.ProjectCreated](t, created[0]))
	require.Equal(t, "acme", created[0].Project)

	var all projectList
	b.get("/projects", &all)
	require.Equal(t, 1, all.Total)
	require.Equal(t, "hydra-acme", all.Items[0].Namespace)
	require.Equal(t, "shops", all.Items[0].Description)

	p := b.call(http.MethodPost, "/projects", map[string]any{"name": "acme"}).problem(http.StatusConflict)
	require.Contains(t, p.Detail, "exists already")
	require.Len(t, b.events("project.created"), 1)
}

func TestProjectNameIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tc := range map[string]string{"Upper": "Acme", "Reserved": "hydra", "Dot": "a.b", "Wildcard": "a*", "Empty": ""} {
		p := b.call(http.MethodPost, "/projects", map[string]any{"name": tc}).problem(http.StatusUnprocessableEntity)
		require.Equal(t, "body.name", p.Errors[0].Location, name)
	}
	p := b.call(http.MethodPost, "/projects", map[string]any{"name": "acme", "nmae": "x"}).problem(http.StatusUnprocessableEntity)
	require.Equal(t, "body.nmae", p.Errors[0].Location)
	require.Empty(t, b.events("project.created"))
}

func TestProjectIsDeletedWithItsWebhooksAndTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	acme := b.project("acme")
	b.project("other")
	var both struct{ Secret string }
	b.call(http.MethodPost, "/tokens", map[string]any{"name": "both", "projects": []string{"acme", "other"}}).into(&both)
	var hook struct{ ID, URL string }
	b.call(http.MethodPost, "/projects/acme/webhooks", map[string]any{"provider": "github"}).into(&hook)

	a := b.call(http.MethodDelete, "/projects/acme", nil)
	require.Equal(t, http.StatusAccepted, a.status, string(a.body))
	b.call(http.MethodGet, "/projects/acme", nil).problem(http.StatusNotFound)
	b.callAs(acme, http.MethodGet, "/whoami", nil).problem(http.StatusUnauthorized)
	hooks, err := store.Open[record.Webhook](b.ctx, b.js, record.Webhooks)
	require.NoError(t, err)
	_, err = hooks.Get(b.ctx, record.Key("acme", hook.ID))
	require.ErrorIs(t, err, store.ErrNotFound)

	// A later project of the same name is not open to the earlier one's tokens.
	require.Equal(t, http.StatusCreated, b.call(http.MethodPost, "/projects", map[string]any{"name": "acme"}).status)
	b.callAs(both.Secret, http.MethodGet, "/projects/acme", nil).problem(http.StatusForbidden)
	require.Equal(t, http.StatusOK, b.callAs(both.Secret, http.MethodGet, "/projects/other", nil).status)
}

func TestProjectEventIsHandledTwiceWithOneResult(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	before := b.call(http.MethodGet, "/projects/acme", nil).body
	require.NoError(t, b.bus.Emit(b.ctx, events.ProjectCreated{Name: "acme", Description: "again"}, bus.For("acme", "")))
	require.NoError(t, b.bus.Emit(b.ctx, events.ProjectCreated{Name: "later"}, bus.For("later", "")))
	require.Eventually(t, func() bool { return b.call(http.MethodGet, "/projects/later", nil).status == http.StatusOK }, patience, 10e6)
	require.JSONEq(t, string(before), string(b.call(http.MethodGet, "/projects/acme", nil).body))
}

func TestBootstrapTwiceIsTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var who struct {
		Name  string
		Admin bool
	}
	b.get("/whoami", &who)
	require.Equal(t, "admin", who.Name)
	require.True(t, who.Admin)
	tokens, err := store.Open[record.Token](b.ctx, b.js, record.Tokens)
	require.NoError(t, err)
	stored, err := tokens.Get(b.ctx, auth.Fingerprint(b.admin))
	require.NoError(t, err)
	require.True(t, stored.Admin)
}
