// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// writeWithin is how long a client may take to accept one message; a client
// that reads no more must not hold a stream for ever.
const writeWithin = 10 * time.Second

// stream is an answer that goes on: server-sent events, or lines of text. It
// is safe for concurrent use.
type stream struct {
	ctx    context.Context // ends with the client, the service or a failed write
	cancel context.CancelFunc

	mu      sync.Mutex
	out     http.ResponseWriter // guarded by mu
	control *http.ResponseController
	sse     bool
	idle    *time.Timer // fires a heartbeat
	beat    time.Duration
}

// streaming answers with f's messages until f returns, the client goes away
// or the service stops. When it returns nothing of the stream is left running.
func (s *Service) streaming(kind string, sse func(*http.Request) bool, f func(*stream) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := humago.Unwrap(hctx)
		ctx, cancel := context.WithCancel(hctx.Context())
		defer cancel()
		finished := make(chan struct{})
		defer close(finished)
		go func() {
			select {
			case <-s.stopping:
				cancel()
			case <-finished:
			}
		}()
		st := &stream{ctx: ctx, cancel: cancel, out: w, control: http.NewResponseController(w), sse: sse(r), beat: s.cfg.Heartbeat}
		if rec, ok := w.(*recorder); ok {
			rec.stream = true
		}
		_ = st.control.SetReadDeadline(time.Time{}) // only the client's end closes it
		gauge := s.metrics.streams.WithLabelValues(kind)
		gauge.Inc()
		defer gauge.Dec()

		w.Header().Set("X-Accel-Buffering", "no") // proxies must not hold messages back
		if st.sse {
			w.Header().Set("Content-Type", eventStream)
		} else {
			w.Header().Set("Content-Type", plainText+"; charset=utf-8")
		}
		w.WriteHeader(http.StatusOK)
		st.idle = time.AfterFunc(st.beat, st.heartbeat)
		defer st.idle.Stop()
		st.raw("") // the headers
		if err := f(st); err != nil && ctx.Err() == nil {
			s.log(ctx).Warn().Err(err).Str("kind", kind).Msg("stream broke off")
			st.send("error", "", problem(http.StatusServiceUnavailable, "the stream broke off; connect again to go on where it ended"))
		}
		st.close()
	}}
}

// send writes one message. In text mode only its text counts.
func (st *stream) send(event, id string, data any) {
	var b bytes.Buffer
	if !st.sse {
		if text, isText := data.(fmt.Stringer); isText {
			b.WriteString(text.String())
			b.WriteByte('\n')
			st.raw(b.String())
		}
		return
	}
	if id != "" {
		b.WriteString("id: " + id + "\n")
	}
	if event != "" {
		b.WriteString("event: " + event + "\n")
	}
	encoded, err := json.Marshal(data)
	if err != nil {
		st.cancel()
		return
	}
	b.WriteString("data: ")
	b.Write(encoded)
	b.WriteString("\n\n")
	st.raw(b.String())
}

func (st *stream) raw(text string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.ctx.Err() != nil {
		return
	}
	if st.idle != nil {
		st.idle.Reset(st.beat)
	}
	_ = st.control.SetWriteDeadline(time.Now().Add(writeWithin))
	if _, err := st.out.Write([]byte(text)); err != nil {
		st.cancel()
		return
	}
	if err := st.control.Flush(); err != nil {
		st.cancel()
	}
}

// heartbeat keeps proxies from closing an idle stream, and finds out that the
// client is gone where its end did not reach us. Plain text has no comments.
func (st *stream) heartbeat() {
	if st.sse {
		st.raw(": still here\n\n")
	}
}

// close makes sure that no heartbeat writes once the handler has returned.
func (st *stream) close() {
	st.cancel()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.idle.Stop()
}

// wantsEvents reports whether the client asked for server-sent events rather
// than plain text.
func wantsEvents(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), eventStream)
}

func always(*http.Request) bool { return true }

// streamed documents what a stream answers with.
func streamed(types map[string]*huma.Schema) func(*huma.Operation) {
	return func(o *huma.Operation) {
		content := map[string]*huma.MediaType{}
		for name, schema := range types {
			content[name] = &huma.MediaType{Schema: schema}
		}
		o.Responses = map[string]*huma.Response{"200": {Description: "The stream, until it ends or the client closes it", Content: content}}
	}
}

func textSchema(description string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: description}
}

// open registers a handler that answers with a stream: the checks before it
// are bounded in time, the stream is not.
func open[I any](s *Service, o huma.Operation, handler func(context.Context, *I) (*huma.StreamResponse, error)) {
	huma.Register(s.api, o, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.explain(ctx, err)
		}
		return out, nil
	})
}
