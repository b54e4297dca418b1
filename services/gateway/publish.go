// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/hydra-platform/hydra/events"
)

const (
	structuredType = "application/cloudevents+json"
	batchType      = "application/cloudevents-batch+json"
	ownSource      = "/hydra"
	ownType        = "dev.cdeventsx.hydra-"
)

// Published says what became of each event of a request, in its order.
type Published struct {
	Events []PublishedEvent `json:"events" nullable:"false"`
}

// PublishedEvent is one event of it.
type PublishedEvent struct {
	ID        string `json:"id"`
	Source    string `json:"source"`
	Sequence  string `json:"sequence" doc:"Its place in the stream"`
	Duplicate bool   `json:"duplicate" doc:"It was there already; nothing was stored"`
}

// publishInput keeps the request's headers, where a binary event has its
// attributes.
type publishInput struct {
	ProjectPath
	RawBody []byte `contentType:"application/cloudevents+json"`
	header  http.Header
}

// Resolve keeps the headers.
func (in *publishInput) Resolve(ctx huma.Context) []error {
	r, _ := humago.Unwrap(ctx)
	in.header = r.Header
	return nil
}

var _ huma.Resolver = (*publishInput)(nil)

func (s *Service) routePublish() {
	o := op("publish-events", http.MethodPost, inProject+"/events", "events", "Publish CloudEvents over HTTP", anybody, status(http.StatusAccepted), describe(
		"The CloudEvents 1.0 HTTP binding: binary (ce- headers), structured or batch. Either every event of a request is valid or none is stored. "+
			"The extension app files an event under an app. An event whose source and id were seen before is answered with duplicate. "+
			"Sources below /hydra/ and types of Hydra's own are refused."))
	add(s, o, s.publish)
	body := s.api.OpenAPI().Paths[inProject+"/events"].Post.RequestBody
	body.Required = false // a binary event may have no data
	one := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "A CloudEvent in its JSON format"}
	body.Content = map[string]*huma.MediaType{
		structuredType: {Schema: one},
		batchType:      {Schema: &huma.Schema{Type: huma.TypeArray, Items: one}},
		"*/*":          {Schema: &huma.Schema{Description: "The data of a binary event, whose attributes are in ce- headers"}},
	}
}

func (s *Service) publish(ctx context.Context, in *publishInput) (*answered[Published], error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	received, err := s.readEvents(in.header, in.RawBody)
	if err != nil {
		s.metrics.external.WithLabelValues("refused").Inc()
		return nil, err
	}
	for i, ev := range received {
		if p := checkEvent(ev); p != nil {
			s.metrics.external.WithLabelValues("refused").Add(float64(len(received)))
			if len(received) > 1 {
				p.Detail = fmt.Sprintf("event %d of %d: %s; none was stored", i+1, len(received), p.Detail)
				p.Errors[0].Location = fmt.Sprintf("body[%d].%s", i, p.Errors[0].Location)
			}
			return nil, p
		}
	}
	out := Published{Events: []PublishedEvent{}}
	for _, ev := range received {
		app, _ := ev.Extensions()["app"].(string)
		if app == "" {
			app = events.None
		}
		sequence, duplicate, err := s.bus.Publish(ctx, in.Project, app, ev)
		if err != nil {
			return nil, err
		}
		result := "stored"
		if duplicate {
			result = "duplicate"
		}
		s.metrics.external.WithLabelValues(result).Inc()
		out.Events = append(out.Events, PublishedEvent{ID: ev.ID(), Source: ev.Source(), Sequence: fmt.Sprint(sequence), Duplicate: duplicate})
	}
	return &answered[Published]{http.StatusAccepted, out}, nil
}

// readEvents reads the three modes of the HTTP binding.
func (s *Service) readEvents(header http.Header, body []byte) ([]event.Event, error) {
	refuse := func(err error) ([]event.Event, error) {
		return nil, problem(http.StatusBadRequest, "this is no CloudEvent: %s", err)
	}
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil && header.Get("Content-Type") != "" {
		return nil, problem(http.StatusUnsupportedMediaType, "Content-Type %q cannot be read", header.Get("Content-Type"))
	}
	switch {
	case media == batchType:
		r := &http.Request{Header: http.Header{"Content-Type": {batchType}}, Body: readCloser{bytes.NewReader(body)}}
		received, err := cehttp.NewEventsFromHTTPRequest(r)
		if err != nil {
			return refuse(err)
		}
		if len(received) == 0 || len(received) > s.cfg.BatchLimit {
			return nil, problem(http.StatusUnprocessableEntity, "the batch holds %d events: want 1 to %d", len(received), s.cfg.BatchLimit)
		}
		return received, nil
	case strings.HasPrefix(media, "application/cloudevents") && media != structuredType:
		return nil, problem(http.StatusUnsupportedMediaType, "Content-Type %q: want %s, %s or a binary event", media, structuredType, batchType)
	case media != structuredType && header.Get("Ce-Specversion") == "":
		return nil, problem(http.StatusUnsupportedMediaType,
			"Content-Type %q without ce- headers: send %s, %s, or a binary event with the headers ce-specversion, ce-id, ce-source and ce-type", media, structuredType, batchType)
	}
	binary := media != structuredType
	decoded := header.Clone()
	if binary {
		if err := decodeAttributes(decoded); err != nil {
			return refuse(err)
		}
	}
	ev, err := cehttp.NewEventFromHTTPRequest(&http.Request{Header: decoded, Body: readCloser{bytes.NewReader(body)}})
	if err != nil {
		return refuse(err)
	}
	return []event.Event{*ev}, nil
}

// decodeAttributes undoes the percent-encoding of the binding's section
// 3.1.3.2, which the SDK leaves to its caller.
func decodeAttributes(header http.Header) error {
	for name, values := range header {
		if !strings.HasPrefix(name, "Ce-") || len(values) == 0 {
			continue
		}
		value := values[0]
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = strings.ReplaceAll(strings.ReplaceAll(value[1:len(value)-1], `\"`, `"`), `\\`, `\`)
		}
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		if !utf8.ValidString(value) {
			return fmt.Errorf("header %s is not UTF-8 once decoded", strings.ToLower(name))
		}
		header[name] = []string{value}
	}
	return nil
}

// checkEvent refuses what is not valid, what passes itself off as Hydra's own
// and what would reach for something that is not the producer's.
func checkEvent(ev event.Event) *huma.ErrorModel {
	bad := func(attribute, format string, args ...any) *huma.ErrorModel {
		message := fmt.Sprintf(format, args...)
		return at(problem(http.StatusUnprocessableEntity, "%s", message), attribute, message)
	}
	if err := ev.Validate(); err != nil {
		return bad("event", "the event is not valid: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	source := strings.ToLower(strings.TrimSpace(ev.Source()))
	if decoded, err := url.PathUnescape(source); err == nil {
		source = decoded
	}
	t := events.Type(ev.Type())
	app, _ := ev.Extensions()["app"].(string)
	ref, _ := ev.Extensions()["dataref"].(string)
	switch {
	case source == ownSource || strings.HasPrefix(source, ownSource+"/"):
		return bad("source", "source %q belongs to Hydra itself; choose one of your own, such as /acme/crm", ev.Source())
	case strings.HasPrefix(strings.ToLower(string(t)), ownType):
		return bad("type", "type %q belongs to Hydra itself; choose one of your own, such as com.example.order.created", t)
	case strings.HasPrefix(strings.ToLower(string(t)), "dev.cdevents") && t.Validate() != nil:
		return bad("type", "%s", t.Validate())
	case strings.HasPrefix(strings.ToLower(strings.TrimSpace(ref)), "nats-object:"):
		return bad("dataref", "dataref %q points into Hydra's own store; send the data itself", ref)
	case len(ev.Data()) > 0 && isJSON(ev.DataContentType()) && !json.Valid(ev.Data()):
		return bad("data", "the data is called %q but is not JSON", ev.DataContentType())
	case app != "" && app != events.None && events.ValidateName("app", app) != nil:
		return bad("app", "%s", events.ValidateName("app", app))
	case len(ev.ID()) > 256 || len(ev.Source()) > 1024 || len(t) > 256:
		return bad("id", "id and type may have 256 characters, source 1024")
	}
	for name, value := range ev.Extensions() {
		if len(fmt.Sprint(value)) > 4096 {
			return bad(name, "extension %s is longer than 4096 characters", name)
		}
	}
	return nil
}

type readCloser struct{ *bytes.Reader }

// Close has nothing to do.
func (readCloser) Close() error { return nil }
