// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/hydra-platform/hydra/libs/auth"
)

// access is what a route asks of its caller, beside a token for the project
// in its path.
type access string

const (
	public  access = "public"  // no token
	anybody access = "anybody" // any token
	admins  access = "admins"  // an admin's token
)

const accessKey = "access"

// identity is who sent a request.
type identity struct {
	ID       string
	Name     string
	Admin    bool
	Projects []string
}

func (i identity) may(project string) bool { return i.Admin || slices.Contains(i.Projects, project) }

type identityKey struct{}

// caller returns who sent the request of ctx.
func caller(ctx context.Context) identity {
	i, _ := ctx.Value(identityKey{}).(identity)
	return i
}

// authenticate stands before every operation of the API.
func (s *Service) authenticate(ctx huma.Context, next func(huma.Context)) {
	need, _ := ctx.Operation().Metadata[accessKey].(access)
	if need == public {
		next(ctx)
		return
	}
	who, refusal := s.identify(ctx.Context(), ctx.Header("Authorization"), need, ctx.Param("project"))
	if refusal != nil {
		r, w := humago.Unwrap(ctx)
		writeProblem(w, r, refusal)
		return
	}
	next(huma.WithValue(ctx, identityKey{}, who))
}

// identify checks a bearer token and what it may do. The store is asked every
// time, so that a token which is revoked stops working at once.
func (s *Service) identify(ctx context.Context, authorization string, need access, project string) (identity, *huma.ErrorModel) {
	scheme, token, _ := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return s.refuse("missing", problem(http.StatusUnauthorized, "a token is needed: send Authorization: Bearer <token>; `hydra login` keeps one"))
	}
	// Only the fingerprint meets the store: a lookup by the hash of a random
	// secret tells nothing by the time it takes.
	fingerprint := auth.Fingerprint(token)
	t, ok, err := s.tokens.lookup(ctx, fingerprint)
	switch {
	case err != nil:
		s.log(ctx).Warn().Err(err).Msg("token not looked up")
		return identity{}, problem(http.StatusServiceUnavailable, "the token cannot be checked now because JetStream does not answer; try again in a few seconds")
	case !ok:
		return s.refuse("unknown", problem(http.StatusUnauthorized, "the token is not known; it may have been revoked"))
	case !t.ExpiresAt.IsZero() && !s.clock.Now().Before(t.ExpiresAt):
		return s.refuse("expired", problem(http.StatusUnauthorized, "the token expired on %s; ask an admin for a new one", t.ExpiresAt.Format("2006-01-02 15:04 MST")))
	}
	who := identity{ID: tokenID(fingerprint), Name: t.Name, Admin: t.Admin, Projects: t.Projects}
	if need == admins && !who.Admin {
		return s.refuse("admin", problem(http.StatusForbidden, "token %q is not an admin's", who.Name))
	}
	// The answer is the same whether the project exists or not.
	if project != "" && !who.may(project) {
		return s.refuse("project", problem(http.StatusForbidden, "token %q may not use project %q", who.Name, project))
	}
	return who, nil
}

func (s *Service) refuse(reason string, p *huma.ErrorModel) (identity, *huma.ErrorModel) {
	s.metrics.refused.WithLabelValues(reason).Inc()
	return identity{}, p
}
