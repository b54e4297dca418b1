// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
)

// Webhook is what is shown of an address to which a forge delivers.
type Webhook struct {
	ID        string    `json:"id"`
	Project   string    `json:"project"`
	Provider  string    `json:"provider" enum:"github,gitlab,gitea"`
	URL       string    `json:"url" doc:"What to enter at the forge as the payload URL"`
	CreatedAt time.Time `json:"createdAt"`
}

// NewWebhook is a webhook with its secret, which is shown this once.
type NewWebhook struct {
	Webhook
	Secret string `json:"secret" doc:"What to enter at the forge as the secret; it is never shown again"`
}

// WebhookRequest creates a webhook.
type WebhookRequest struct {
	Provider string `json:"provider" enum:"github,gitlab,gitea"`
	Secret   string `json:"secret,omitempty" minLength:"16" maxLength:"200" doc:"Left out: one is made"`
}

// WebhookPath is the path of a webhook.
type WebhookPath struct {
	ProjectPath
	ID string `path:"id" pattern:"^[a-z0-9-]{1,40}$" doc:"Id of the webhook"`
}

func (s *Service) toWebhook(h record.Webhook) Webhook {
	return Webhook{
		ID: h.ID, Project: h.Project, Provider: h.Provider, CreatedAt: h.CreatedAt,
		URL: strings.TrimSuffix(s.baseURL(), "/") + "/hooks/" + h.Project + "/" + h.ID,
	}
}

func (s *Service) routeWebhooks() {
	add(s, op("list-webhooks", http.MethodGet, inProject+"/webhooks", "webhooks", "Webhooks of a project, without their secrets", anybody), s.listWebhooks)
	add(s, op("create-webhook", http.MethodPost, inProject+"/webhooks", "webhooks", "Create a webhook; its secret is shown once", anybody, status(http.StatusCreated)), s.createWebhook)
	add(s, op("delete-webhook", http.MethodDelete, inProject+"/webhooks/{id}", "webhooks", "Delete a webhook", anybody, status(http.StatusNoContent)), s.deleteWebhook)
}

func (s *Service) listWebhooks(ctx context.Context, in *struct {
	ProjectPath
	Limited
}) (*ok[List[Webhook]], error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	hooks, err := s.webhooks.values(ctx, in.Project)
	if err != nil {
		return nil, err
	}
	items := make([]Webhook, len(hooks))
	for i, h := range hooks {
		items[i] = s.toWebhook(h)
	}
	return &ok[List[Webhook]]{list(items, in.Limit)}, nil
}

func (s *Service) createWebhook(ctx context.Context, in *struct {
	ProjectPath
	Body WebhookRequest
}) (*answered[NewWebhook], error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	h := record.Webhook{
		ID: "w" + strings.ToLower(rand.Text()[:15]), Project: in.Project, Provider: in.Body.Provider, Secret: in.Body.Secret, CreatedAt: s.clock.Now(),
	}
	if h.Secret == "" {
		h.Secret = newSecret(h.Provider)
	}
	kv, err := s.webhooks.get(ctx)
	if err != nil {
		return nil, err
	}
	// The event comes first: a webhook without its event would be a write
	// that nobody can find again, an event without its webhook harms nobody.
	if err := s.bus.Emit(ctx, events.WebhookCreated{ID: h.ID, Provider: h.Provider, By: caller(ctx).Name}, bus.For(in.Project, "")); err != nil {
		return nil, err
	}
	if err := kv.Create(ctx, record.Key(in.Project, h.ID), h); err != nil {
		return nil, err
	}
	return &answered[NewWebhook]{http.StatusCreated, NewWebhook{s.toWebhook(h), h.Secret}}, nil
}

// newSecret makes a secret of 256 random bits. GitLab's has the form of
// Standard Webhooks, so that it serves as token and as signing key.
func newSecret(provider string) string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, crypto/rand crashes the program instead
	if provider == "gitlab" {
		return "whsec_" + base64.StdEncoding.EncodeToString(key)
	}
	return base64.RawURLEncoding.EncodeToString(key)
}

func (s *Service) deleteWebhook(ctx context.Context, in *WebhookPath) (*struct{}, error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	key := record.Key(in.Project, in.ID)
	if _, exists, err := s.webhooks.lookup(ctx, key); err != nil {
		return nil, err
	} else if !exists {
		return nil, problem(http.StatusNotFound, "project %q has no webhook %q; `hydra webhook list` shows what there is", in.Project, in.ID)
	}
	if err := s.bus.Emit(ctx, events.WebhookDeleted{ID: in.ID, By: caller(ctx).Name}, bus.For(in.Project, "")); err != nil {
		return nil, err
	}
	return nil, s.webhooks.remove(ctx, key)
}

// onWebhookDeleted ends what deleteWebhook began, should it have been killed
// in between.
func (s *Service) onWebhookDeleted(ctx context.Context, e events.Event[events.WebhookDeleted]) error {
	if events.ValidateName("project", e.Project) != nil || events.ValidateName("webhook", e.Data.ID) != nil {
		return bus.Permanent(errNoKey)
	}
	return s.webhooks.remove(ctx, record.Key(e.Project, e.Data.ID))
}
