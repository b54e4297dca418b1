// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/hydra-platform/hydra/services/gateway/ui"
)

// contentPolicy lets the page load what comes from the gateway and nothing
// else. Inline styles are allowed because component libraries set them.
const contentPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Handler answers every request that the gateway gets.
func (s *Service) Handler() http.Handler {
	page := ui.Handler(nothingHere)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, route := s.find(r, page)
		s.answer(w, r, handler, route)
	})
}

// find picks the handler and the route's name for metrics. What no API route
// takes is the page's, unless the path belongs to the API.
func (s *Service) find(r *http.Request, page http.Handler) (http.Handler, string) {
	handler, pattern := s.mux.Handler(r)
	if pattern != "" {
		return s.mux, pattern // the mux itself sets the path's values
	}
	// The mux says "no such method" only by the answer it would write.
	probe := httptest.NewRecorder()
	handler.ServeHTTP(probe, r)
	switch {
	case probe.Code == http.StatusMethodNotAllowed:
		allow := probe.Header().Get("Allow")
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			writeProblem(w, r, problem(http.StatusMethodNotAllowed, "%s is not possible here; use %s", r.Method, allow))
		}), "method not allowed"
	case probe.Code != http.StatusNotFound:
		return handler, "redirect"
	case ownPath(r.URL.Path):
		return http.HandlerFunc(nothingHere), "not found"
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", "GET, HEAD")
			writeProblem(w, r, problem(http.StatusMethodNotAllowed, "%s is not possible here; use GET", r.Method))
		}), "method not allowed"
	}
	return page, "page"
}

func nothingHere(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, r, problem(http.StatusNotFound, "there is nothing at %s; /openapi.json lists every route", r.URL.Path))
}

func ownPath(path string) bool {
	for _, prefix := range []string{"/api/", "/hooks/", "/openapi", "/metrics", "/livez", "/readyz"} {
		if strings.HasPrefix(path+"/", prefix) || strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// answer wraps every request with its id, headers, deadlines, metrics and log
// line, and turns a panic into a problem.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, h http.Handler, route string) {
	start := time.Now()
	id := rand.Text()[:12]
	log := s.log(r.Context()).With().Str("request", id).Logger()
	ctx, cancel := context.WithCancel(log.WithContext(r.Context()))
	defer cancel()
	r = r.WithContext(ctx)

	out := &recorder{ResponseWriter: w}
	header := out.Header()
	header.Set("X-Request-Id", id)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Content-Security-Policy", contentPolicy)
	header.Set("Cache-Control", "no-store") // the page's files say otherwise

	// A stream lifts these again; everything else ends in bounded time.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(start.Add(s.cfg.RequestTimeout))
	_ = control.SetWriteDeadline(start.Add(2 * s.cfg.RequestTimeout))

	s.metrics.inFlight.Inc()
	defer func() {
		s.metrics.inFlight.Dec()
		if p := recover(); p != nil {
			log.Error().Interface("panic", p).Bytes("stack", debug.Stack()).Str("path", r.URL.Path).Msg("request panicked")
			if out.status == 0 {
				writeProblem(out, r, internalProblem(id))
			}
		}
		if out.status == 0 {
			out.status = http.StatusOK
		}
		took := time.Since(start)
		s.metrics.requests.WithLabelValues(route, methodLabel(r.Method), strconv.Itoa(out.status)).Inc()
		if !out.stream {
			s.metrics.seconds.WithLabelValues(route, methodLabel(r.Method)).Observe(took.Seconds())
		}
		log.Debug().Str("method", r.Method).Str("path", r.URL.Path).Int("status", out.status).
			Int64("bytes", out.bytes).Dur("took", took).Str("from", r.RemoteAddr).Msg("request")
	}()
	h.ServeHTTP(out, r)
}

// methodLabel keeps an invented method out of the metrics.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// bounded gives a request that is no stream its time limit.
func (s *Service) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.cfg.RequestTimeout)
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	stream bool
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Flush sends what is buffered.
func (r *recorder) Flush() { _ = http.NewResponseController(r.ResponseWriter).Flush() }
