// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hydra-platform/hydra/libs/store"
)

const problemType = "application/problem+json"

// problem is an RFC 9457 answer with a sentence for a person.
func problem(status int, format string, args ...any) *huma.ErrorModel {
	return &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: fmt.Sprintf(format, args...)}
}

// at adds the field that is wrong.
func at(p *huma.ErrorModel, location, message string) *huma.ErrorModel {
	p.Errors = append(p.Errors, &huma.ErrorDetail{Location: location, Message: message})
	return p
}

func internalProblem(request string) *huma.ErrorModel {
	return problem(http.StatusInternalServerError, "the gateway met an error of its own; its log has the cause under request %s", request)
}

func writeProblem(w http.ResponseWriter, r *http.Request, p *huma.ErrorModel) {
	h := w.Header()
	h.Set("Content-Type", problemType)
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="hydra"`)
	}
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(p) // the client is gone if this does not work
	}
}

// explain turns any error of a handler into the problem that its caller sees.
// What is the gateway's own fault is logged here and not shown.
func (s *Service) explain(ctx context.Context, err error) error {
	var known huma.StatusError
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, store.ErrNotFound):
		return problem(http.StatusNotFound, "%s", err)
	case errors.Is(err, context.Canceled):
		return problem(499, "the client closed the request")
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrConnectionClosed),
		errors.Is(err, nats.ErrDisconnected), errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, context.DeadlineExceeded):
		s.log(ctx).Warn().Err(err).Msg("JetStream does not answer")
		return huma.ErrorWithHeaders(problem(http.StatusServiceUnavailable, "JetStream does not answer; try again in a few seconds"),
			http.Header{"Retry-After": {"2"}})
	}
	s.log(ctx).Error().Err(err).Msg("request met an error")
	return problem(http.StatusInternalServerError, "the gateway met an error of its own; its log has the cause under this request's X-Request-Id")
}
