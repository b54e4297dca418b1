// SPDX-License-Identifier: Apache-2.0

// Package api is a client of the gateway's REST interface, as its OpenAPI
// document describes it. Answers that are no success are a [*Problem].
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/tmaxmax/go-sse"
)

// Client of one gateway. It is safe for concurrent use.
type Client struct {
	BaseURL string // such as http://127.0.0.1:7070
	Token   string
	Agent   string // for User-Agent
	HTTP    *http.Client
}

// Problem is an RFC 9457 answer.
type Problem struct {
	Status int     `json:"status"`
	Title  string  `json:"title"`
	Detail string  `json:"detail"`
	Errors []Field `json:"errors"`
	Method string  `json:"-"`
	Path   string  `json:"-"`
}

// Field is one thing that is wrong with a request.
type Field struct {
	Location string `json:"location"`
	Message  string `json:"message"`
	Value    any    `json:"value"`
}

func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if text == "" {
		text = http.StatusText(p.Status)
	}
	for _, f := range p.Errors {
		text += "\n  "
		if f.Location != "" {
			text += f.Location + ": "
		}
		text += f.Message
	}
	return text
}

// UnreachableError says that no gateway answered.
type UnreachableError struct {
	Server string
	Err    error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("the gateway at %s does not answer: %v", e.Server, e.Err)
}
func (e *UnreachableError) Unwrap() error { return e.Err }

// do sends body as JSON, unless it is a [raw], and decodes the answer into out.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, body, out any) error {
	res, err := c.send(ctx, method, path, query, body, "application/json")
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if out == nil || res.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	return nil
}

// raw is a body that is sent as it is.
type raw struct {
	contentType string
	data        []byte
	header      http.Header
}

// send returns a response whose status is a success; the caller closes it.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, body any, accept string) (*http.Response, error) {
	var content io.Reader
	contentType, header := "application/json", http.Header{}
	switch b := body.(type) {
	case nil:
	case raw:
		contentType, header = b.contentType, b.header
		if b.data != nil {
			content = bytes.NewReader(b.data)
		}
	default:
		data, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		content = bytes.NewReader(data)
	}
	target := strings.TrimRight(c.BaseURL, "/") + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, content)
	if err != nil {
		return nil, fmt.Errorf("server address %q: %w", c.BaseURL, err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if content != nil {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Accept", accept+", application/problem+json")
	req.Header.Set("User-Agent", c.Agent)
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, &UnreachableError{Server: c.BaseURL, Err: err}
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	p := &Problem{Status: res.StatusCode, Title: http.StatusText(res.StatusCode), Method: method, Path: path}
	data, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err := json.Unmarshal(data, p); err != nil {
		// Something in between answered, such as a proxy.
		p.Detail = fmt.Sprintf("%s answers %s", c.BaseURL, res.Status)
	}
	p.Status = res.StatusCode
	return nil, p
}

// stream calls f for each server-sent event until the stream or ctx ends.
func (c *Client) stream(ctx context.Context, path string, query url.Values, lastID string, f func(sse.Event) error) error {
	var resume raw
	if lastID != "" {
		resume.header = http.Header{"Last-Event-Id": {lastID}}
	}
	res, err := c.send(ctx, http.MethodGet, path, query, resume, "text/event-stream")
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	for ev, err := range sse.Read(res.Body, &sse.ReadConfig{MaxEventSize: 8 << 20}) {
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &UnreachableError{Server: c.BaseURL, Err: err}
		}
		if err := f(ev); err != nil {
			return err
		}
	}
	return ctx.Err()
}
