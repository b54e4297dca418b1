// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/auth"
	"github.com/hydra-platform/hydra/libs/store"
)

// Bootstrap makes token an admin's token, so that somebody can log in to a
// new platform. Doing it again changes nothing.
func Bootstrap(ctx context.Context, js jetstream.JetStream, token string) error {
	if len(token) < 16 {
		return fmt.Errorf("bootstrap token: want at least 16 characters, make one with auth.NewToken")
	}
	kv, err := store.Open[record.Token](ctx, js, record.Tokens)
	if err != nil {
		return fmt.Errorf("bootstrap token: %w", err)
	}
	err = kv.Create(ctx, auth.Fingerprint(token), record.Token{Name: "admin", Admin: true, CreatedAt: time.Now().UTC()})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("bootstrap token: %w", err)
	}
	return nil
}

// Token is what is shown of a bearer token.
type Token struct {
	ID        string     `json:"id" doc:"First part of the token's fingerprint"`
	Name      string     `json:"name"`
	Admin     bool       `json:"admin"`
	Projects  []string   `json:"projects,omitempty" doc:"Projects it may use; an admin's may use all"`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
}

// NewToken is a token with its secret, which is shown this once.
type NewToken struct {
	Token
	Secret string `json:"secret" doc:"The bearer token itself; it is not kept and never shown again"`
}

// TokenRequest creates a token.
type TokenRequest struct {
	Name             string   `json:"name" minLength:"1" maxLength:"60" doc:"Who or what uses it; it is named in the events it causes"`
	Projects         []string `json:"projects,omitempty" maxItems:"50" doc:"Projects it may use"`
	Admin            bool     `json:"admin,omitempty" doc:"May use every project and manage tokens"`
	ExpiresInSeconds int64    `json:"expiresInSeconds,omitempty" minimum:"0" maximum:"315360000" doc:"0: it does not expire"`
}

// TokenPath is the path of a token.
type TokenPath struct {
	ID string `path:"id" pattern:"^[0-9a-f]{16}$" doc:"Id of the token"`
}

func tokenID(fingerprint string) string { return fingerprint[:16] }

func toToken(fingerprint string, t record.Token) Token {
	out := Token{ID: tokenID(fingerprint), Name: t.Name, Admin: t.Admin, Projects: t.Projects, CreatedAt: t.CreatedAt}
	if !t.ExpiresAt.IsZero() {
		out.ExpiresAt = &t.ExpiresAt
	}
	return out
}

func (s *Service) routeTokens() {
	add(s, op("list-tokens", http.MethodGet, base+"/tokens", "tokens", "Tokens, without their secrets", admins), s.listTokens)
	add(s, op("create-token", http.MethodPost, base+"/tokens", "tokens", "Create a token; its secret is shown once", admins, status(http.StatusCreated)), s.createToken)
	add(s, op("revoke-token", http.MethodDelete, base+"/tokens/{id}", "tokens", "Revoke a token", admins, status(http.StatusNoContent)), s.revokeToken)
}

func (s *Service) listTokens(ctx context.Context, in *Limited) (*ok[List[Token]], error) {
	kv, err := s.tokens.get(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := kv.List(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]Token, len(entries))
	for i, e := range entries {
		items[i] = toToken(e.Key, e.Value)
	}
	return &ok[List[Token]]{list(items, in.Limit)}, nil
}

func (s *Service) createToken(ctx context.Context, in *struct{ Body TokenRequest }) (*answered[NewToken], error) {
	if in.Body.Admin == (len(in.Body.Projects) > 0) {
		return nil, at(problem(http.StatusUnprocessableEntity, "a token is either an admin's or for some projects; give admin or projects"), "body.projects", "want projects, or admin")
	}
	for i, p := range in.Body.Projects {
		if _, exists, err := s.projects.lookup(ctx, p); events.ValidateName("project", p) != nil || (err == nil && !exists) {
			return nil, at(problem(http.StatusUnprocessableEntity, "project %q does not exist", p), fmt.Sprintf("body.projects[%d]", i), "want a project that exists")
		} else if err != nil {
			return nil, err
		}
	}
	secret, now := auth.NewToken(), s.clock.Now()
	t := record.Token{Name: in.Body.Name, Projects: in.Body.Projects, Admin: in.Body.Admin, CreatedAt: now}
	if in.Body.ExpiresInSeconds > 0 {
		t.ExpiresAt = now.Add(time.Duration(in.Body.ExpiresInSeconds) * time.Second)
	}
	fingerprint := auth.Fingerprint(secret)
	kv, err := s.tokens.get(ctx)
	if err != nil {
		return nil, err
	}
	// The event comes first: a token without its event would be a write that
	// nobody can find again, an event without its token harms nobody.
	if err := s.bus.Emit(ctx, events.TokenCreated{ID: tokenID(fingerprint), Name: t.Name, Projects: t.Projects, Admin: t.Admin, By: caller(ctx).Name}); err != nil {
		return nil, err
	}
	if err := kv.Create(ctx, fingerprint, t); err != nil {
		return nil, err
	}
	return &answered[NewToken]{http.StatusCreated, NewToken{toToken(fingerprint, t), secret}}, nil
}

func (s *Service) revokeToken(ctx context.Context, in *TokenPath) (*struct{}, error) {
	fingerprint, t, err := s.tokenByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if fingerprint == "" {
		return nil, problem(http.StatusNotFound, "there is no token %s; `hydra token list` shows them", in.ID)
	}
	if err := s.bus.Emit(ctx, events.TokenRevoked{ID: in.ID, Name: t.Name, By: caller(ctx).Name}); err != nil {
		return nil, err
	}
	return nil, s.tokens.remove(ctx, fingerprint)
}

// onTokenRevoked ends what revokeToken began, should it have been killed in
// between.
func (s *Service) onTokenRevoked(ctx context.Context, e events.Event[events.TokenRevoked]) error {
	fingerprint, _, err := s.tokenByID(ctx, e.Data.ID)
	if err != nil || fingerprint == "" {
		return err
	}
	return s.tokens.remove(ctx, fingerprint)
}

// tokenByID finds a token by the part of its fingerprint that is shown.
func (s *Service) tokenByID(ctx context.Context, id string) (fingerprint string, t record.Token, err error) {
	kv, err := s.tokens.get(ctx)
	if err != nil {
		return "", t, err
	}
	entries, err := kv.List(ctx)
	if err != nil {
		return "", t, err
	}
	for _, e := range entries {
		if tokenID(e.Key) == id {
			return e.Key, e.Value, nil
		}
	}
	return "", t, nil
}
