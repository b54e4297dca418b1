// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/services/gateway/forge"
	"github.com/hydra-platform/hydra/services/gateway/gitea"
	"github.com/hydra-platform/hydra/services/gateway/github"
	"github.com/hydra-platform/hydra/services/gateway/gitlab"
)

var errNoKey = errors.New("the event names no project or no id that a key can be made of")

const defaultBranch = "main"

// provider is what the gateway needs of a forge: to believe a delivery, and
// to understand it. Both get the body as it came.
type provider struct {
	verify func(secret string, header http.Header, body []byte) error
	parse  func(header http.Header, body []byte) (forge.Delivery, error)
}

func providerOf(name string) (provider, bool) {
	switch name {
	case "github":
		return provider{github.Verify, github.Parse}, true
	case "gitlab":
		return provider{gitlab.Verify, gitlab.Parse}, true
	case "gitea":
		return provider{gitea.Verify, gitea.Parse}, true
	}
	return provider{}, false
}

// Receipt is the answer to a delivery.
type Receipt struct {
	Status   string   `json:"status" enum:"accepted,ignored,duplicate,pong"`
	Delivery string   `json:"delivery" doc:"The forge's id of it"`
	Apps     []string `json:"apps" nullable:"false" doc:"Apps that are built from the push"`
	Reason   string   `json:"reason,omitempty" doc:"Why nothing follows from it"`
}

func (s *Service) routeHooks() {
	schemas := s.api.OpenAPI().Components.Schemas
	receipt := map[string]*huma.MediaType{jsonType: {Schema: schemas.Schema(typeOf[Receipt](), true, "Receipt")}}
	o := op("receive-webhook", http.MethodPost, "/hooks/{project}/{id}", "webhooks", "Deliveries of GitHub, GitLab and Gitea", public, describe(
		"Verified by the webhook's secret over the raw body: GitHub X-Hub-Signature-256; GitLab webhook-signature (Standard Webhooks) or X-Gitlab-Token; "+
			"Gitea X-Gitea-Signature or X-Hub-Signature-256. Answered with 202 when body and events are stored."))
	o.Parameters = []*huma.Param{
		{Name: "project", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}},
	}
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		jsonType: {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "The forge's payload"}},
	}}
	o.Responses = map[string]*huma.Response{
		"200": {Description: "A ping, or a delivery that was seen before", Content: receipt},
		"202": {Description: "Stored; apps says what is built", Content: receipt},
	}
	s.plain(o, s.receive)
}

// refusal is why a delivery is not taken, with its word for the metric.
type refusal struct {
	reason  string
	problem *huma.ErrorModel
}

func refused(reason string, status int, format string, args ...any) *refusal {
	return &refusal{reason, problem(status, format, args...)}
}

func (s *Service) receive(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*s.cfg.RequestTimeout)
	defer cancel()
	// A slow line may take its time for 25 MB, within bounds.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(2 * s.cfg.RequestTimeout))

	name, receipt, refuse, err := s.delivery(ctx, w, r)
	switch {
	case err != nil:
		p := problem(http.StatusInternalServerError, "")
		var known *huma.ErrorModel
		if errors.As(s.explain(ctx, err), &known) {
			p = known
		}
		if p.Status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "2")
		}
		writeProblem(w, r, p)
	case refuse != nil:
		s.metrics.rejected.WithLabelValues(name, refuse.reason).Inc()
		s.log(ctx).Info().Str("provider", name).Str("reason", refuse.reason).Str("webhook", r.PathValue("id")).Msg("webhook delivery refused")
		w.Header().Set("Connection", "close") // the rest of the body is not read
		writeProblem(w, r, refuse.problem)
	default:
		s.metrics.hooks.WithLabelValues(name, receipt.Status).Inc()
		code := http.StatusAccepted
		if receipt.Status == "duplicate" || receipt.Status == "pong" {
			code = http.StatusOK
		}
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(receipt)
	}
}

// delivery takes one delivery: believe it, store it as it came, emit what
// follows from it, remember it. Each step may be repeated, so that a forge
// that delivers again after a crash in between ends it.
func (s *Service) delivery(ctx context.Context, w http.ResponseWriter, r *http.Request) (string, Receipt, *refusal, error) {
	project, id := r.PathValue("project"), r.PathValue("id")
	none := Receipt{Apps: []string{}}
	unknown := refused("unknown_webhook", http.StatusNotFound, "there is no such webhook; `hydra webhook create` makes one and shows its URL")
	if events.ValidateName("project", project) != nil || events.ValidateName("webhook", id) != nil {
		return "unknown", none, unknown, nil
	}
	hook, exists, err := s.webhooks.lookup(ctx, record.Key(project, id))
	if err != nil {
		return "unknown", none, nil, err
	}
	if !exists {
		return "unknown", none, unknown, nil
	}
	forge, known := providerOf(hook.Provider)
	if !known {
		return "unknown", none, refused("unknown_provider", http.StatusNotFound, "webhook %s is of a provider that this version does not know", id), nil
	}
	body, refuse := s.hookBody(w, r)
	if refuse == nil {
		refuse = s.believe(forge, hook, r.Header, body)
	}
	if refuse != nil {
		return hook.Provider, none, refuse, nil
	}
	d, err := forge.parse(r.Header, body)
	if err != nil {
		return hook.Provider, none, refused("malformed", http.StatusBadRequest, "the delivery cannot be read: %s", err), nil
	}
	receipt := Receipt{Delivery: d.ID, Apps: []string{}, Reason: d.Ignored}
	if d.Ping {
		receipt.Status = "pong"
		return hook.Provider, receipt, nil, nil
	}
	seen, err := s.seen(ctx, hook, d.ID)
	if err != nil {
		return hook.Provider, receipt, nil, err
	}
	if seen != nil {
		receipt.Status, receipt.Apps = "duplicate", append(receipt.Apps, seen.Apps...)
		return hook.Provider, receipt, nil, nil
	}
	if err := s.storeRaw(ctx, hook, d, r.Header, body); err != nil {
		return hook.Provider, receipt, nil, err
	}
	if err := s.announce(ctx, hook, d, &receipt); err != nil {
		return hook.Provider, receipt, nil, err
	}
	return hook.Provider, receipt, nil, s.remember(ctx, hook, d.ID, receipt.Apps)
}

func (s *Service) hookBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	limit := s.cfg.HookLimit
	tooLarge := refused("too_large", http.StatusRequestEntityTooLarge, "the body is larger than %d MiB, more than is taken", limit>>20)
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge
	case err != nil:
		return nil, refused("unreadable", http.StatusBadRequest, "the body did not arrive whole: %s", err)
	case len(body) == 0:
		return nil, refused("empty", http.StatusBadRequest, "the body is empty")
	}
	return body, nil
}

// believe checks the signature and says no more than needed to whoever has
// no right one.
func (s *Service) believe(p provider, hook record.Webhook, header http.Header, body []byte) *refusal {
	err := p.verify(hook.Secret, header, body)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, forge.ErrMissing):
		return refused("signature_missing", http.StatusUnauthorized, "%s", err)
	case errors.Is(err, forge.ErrMalformed):
		return refused("signature_malformed", http.StatusUnauthorized, "%s", err)
	case errors.Is(err, forge.ErrExpired):
		return refused("signature_expired", http.StatusUnauthorized, "%s", err)
	}
	return refused("signature_wrong", http.StatusUnauthorized, "%s", forge.ErrWrong)
}

// announce emits one change for each app that is built from what was pushed.
func (s *Service) announce(ctx context.Context, hook record.Webhook, d forge.Delivery, receipt *Receipt) error {
	if d.Push == nil {
		receipt.Status = "ignored"
		return nil
	}
	apps, err := s.apps.values(ctx, hook.Project)
	if err != nil {
		return err
	}
	for _, app := range apps {
		branch := app.Branch
		if branch == "" {
			branch = defaultBranch
		}
		if branch != d.Push.Branch || !forge.Same(app.Repository, d.Push.URLs) || app.Status == record.AppRemoving {
			continue
		}
		commit := d.Push.Commit
		commit.Repository = forge.WithoutCredentials(app.Repository)
		commit.Branch = branch
		change := events.ChangeMerged{
			Repository: &events.Reference{ID: forge.Canonical(app.Repository)},
			ChangeID:   commit.SHA, Commit: commit, Provider: hook.Provider, Delivery: d.ID,
		}
		// The key makes a second emission of the same delivery the same event.
		if err := s.bus.Emit(ctx, change, bus.For(hook.Project, app.Name), bus.Key(deliveryKey(hook, d.ID)+"."+app.Name)); err != nil {
			return err
		}
		receipt.Apps = append(receipt.Apps, app.Name)
	}
	receipt.Status = "accepted"
	if len(receipt.Apps) == 0 {
		receipt.Status = "ignored"
		receipt.Reason = fmt.Sprintf("no app of project %s is built from branch %s of this repository", hook.Project, d.Push.Branch)
	}
	return nil
}
