// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Webhook is an address to which a forge delivers.
type Webhook struct {
	ID        string    `json:"id"`
	Project   string    `json:"project,omitempty"`
	Provider  string    `json:"provider"`
	URL       string    `json:"url"`
	Secret    string    `json:"secret,omitempty"` // at creation only
	CreatedAt time.Time `json:"createdAt"`
}

// Webhooks of a project, without their secrets.
func (c *Client) Webhooks(ctx context.Context, p string) ([]Webhook, error) {
	return items[Webhook](ctx, c, project(p)+"/webhooks", nil)
}

// CreateWebhook returns the address and, this once, the secret.
func (c *Client) CreateWebhook(ctx context.Context, p, provider, secret string) (w Webhook, err error) {
	body := map[string]string{"provider": provider}
	if secret != "" {
		body["secret"] = secret
	}
	return w, c.do(ctx, http.MethodPost, base+project(p)+"/webhooks", nil, body, &w)
}

// DeleteWebhook refuses deliveries from now on.
func (c *Client) DeleteWebhook(ctx context.Context, p, id string) error {
	return c.do(ctx, http.MethodDelete, base+project(p)+"/webhooks/"+url.PathEscape(id), nil, nil, nil)
}

// Deliver sends a body to a webhook as a forge would, with its headers.
func (c *Client) Deliver(ctx context.Context, address string, header http.Header, body []byte) (map[string]any, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	forge := &Client{BaseURL: u.Scheme + "://" + u.Host, Agent: c.Agent, HTTP: c.HTTP}
	out := map[string]any{}
	return out, forge.do(ctx, http.MethodPost, u.Path, u.Query(), raw{contentType: "application/json", data: body, header: header}, &out)
}

// Token is what is shown of a bearer token.
type Token struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Admin     bool       `json:"admin"`
	Projects  []string   `json:"projects,omitempty"`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	Secret    string     `json:"secret,omitempty"` // at creation only
}

// TokenRequest creates a token: for some projects, or an admin's.
type TokenRequest struct {
	Name             string   `json:"name"`
	Projects         []string `json:"projects,omitempty"`
	Admin            bool     `json:"admin,omitempty"`
	ExpiresInSeconds int64    `json:"expiresInSeconds,omitempty"`
}

// Tokens lists the tokens.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	return items[Token](ctx, c, "/tokens", limit(1000))
}

// CreateToken returns the token with its secret, this once.
func (c *Client) CreateToken(ctx context.Context, want TokenRequest) (t Token, err error) {
	return t, c.do(ctx, http.MethodPost, base+"/tokens", nil, want, &t)
}

// RevokeToken makes a token useless at once.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, base+"/tokens/"+url.PathEscape(id), nil, nil, nil)
}
