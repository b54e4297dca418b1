// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/danielgtaylor/huma/v2"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/bus"
)

// CloudEvent is an event as it is shown: the JSON format of CloudEvents 1.0
// with the extensions sequence (its place in the stream) and recordedtime.
type CloudEvent struct{ event event.Event }

// MarshalJSON writes the JSON event format.
func (c CloudEvent) MarshalJSON() ([]byte, error) { return json.Marshal(c.event) }

// Schema describes it for the OpenAPI document.
func (CloudEvent) Schema(r huma.Registry) *huma.Schema {
	const name = "CloudEvent"
	if r.Map()[name] == nil {
		text := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }
		r.Map()[name] = &huma.Schema{
			Type:        huma.TypeObject,
			Description: "A CloudEvent 1.0 in its JSON format. Extension attributes are members of their own; there may be others than these.",
			Required:    []string{"specversion", "id", "source", "type", "project", "app", "sequence", "recordedtime"},
			Properties: map[string]*huma.Schema{
				"specversion": text("Always 1.0"), "id": text("Unique per source"), "source": text("Who made it"), "type": text("Wire name, such as dev.cdevents.build.started.0.3.0"),
				"subject": text("Id of the thing it is about"), "datacontenttype": text("Media type of data"), "dataschema": text("Schema of data"),
				"time":        {Type: huma.TypeString, Format: "date-time", Description: "When it happened"},
				"data":        {Description: "For Hydra's own events a CDEvent: context, subject.content and customData"},
				"data_base64": text("Data that is neither JSON nor text"),
				"project":     text("Tenant"), "app": text("App, or _ for none"), "partitionkey": text("project.app"),
				"correlationid": text("Id of the event that began the journey"), "causationid": text("Id of the event whose handling emitted this one"),
				"traceparent": text("W3C trace context"), "sequence": text("Place in the stream, 20 digits"),
				"recordedtime": {Type: huma.TypeString, Format: "date-time", Description: "When it was stored"},
			},
			AdditionalProperties: true,
		}
	}
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

func toCloudEvent(s bus.Stored) CloudEvent {
	ev := s.Event.Clone()
	switch {
	case len(ev.DataEncoded) == 0:
		ev.DataEncoded = nil
	case !fitsItsType(ev):
		// Whoever publishes over NATS may call anything JSON; one such event
		// must not make a whole page unreadable.
		ev.DataBase64 = true
	}
	ev.SetExtension("sequence", fmt.Sprintf("%020d", s.Sequence))
	ev.SetExtension("recordedtime", s.StoredAt.UTC().Format(time.RFC3339Nano))
	return CloudEvent{ev}
}

// fitsItsType reports whether data that is called JSON is JSON, and text is
// text. Without a type it is JSON, says CloudEvents.
func fitsItsType(ev event.Event) bool {
	if isJSON(ev.DataContentType()) {
		return json.Valid(ev.Data())
	}
	return utf8.Valid(ev.Data())
}

func isJSON(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	return media == "" || strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")
}

// EventList is a page of the history.
type EventList struct {
	Items []CloudEvent `json:"items" nullable:"false"`
	Next  string       `json:"next,omitempty" doc:"With order=asc: value of from for the next page; left out at the end"`
}

// EventsFilter is what queries and streams of events have in common.
type EventsFilter struct {
	Type        []string `query:"type" doc:"Short names such as build.finished, a noun such as build, or full types; separated by commas"`
	App         string   `query:"app" pattern:"^(_|[a-z]([a-z0-9-]{0,38}[a-z0-9])?)?$" doc:"Only of this app; _ for events of no app"`
	Correlation string   `query:"correlation" maxLength:"200" doc:"Only of this journey"`
}

func (s *Service) routeEvents() {
	add(s, op("query-events", http.MethodGet, inProject+"/events", "events", "The event history", anybody,
		describe("Pages forward from `from` or `since` with order=asc, or shows the newest first with order=desc.")), s.queryEvents)
	open(s, op("stream-events", http.MethodGet, inProject+"/events/stream", "events", "Live events as server-sent events", anybody,
		describe("Each message has the event's sequence as id and a CloudEvent in its JSON format as data. Last-Event-ID, or from, resumes without a gap; "+
			"without either only new events are sent. A comment is sent every few seconds, so that an idle connection lives."),
		streamed(map[string]*huma.Schema{eventStream: s.api.OpenAPI().Components.Schemas.Schema(typeOf[CloudEvent](), true, "")})), s.streamEvents)
	s.routePublish()
}

func (s *Service) queryEvents(ctx context.Context, in *struct {
	ProjectPath
	EventsFilter
	Since string `query:"since" doc:"Stored at or after: RFC 3339, or how long ago, such as 90m"`
	Until string `query:"until" doc:"Stored before: RFC 3339, or how long ago"`
	From  uint64 `query:"from" doc:"First sequence"`
	Order string `query:"order" enum:"asc,desc" default:"asc" doc:"asc: oldest first; desc: the newest, newest first"`
	Limit int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"Most events to answer with"`
}) (*ok[EventList], error) {
	q, match, err := in.query(in.Project)
	if err != nil {
		return nil, err
	}
	if q.Since, err = s.moment("since", in.Since); err != nil {
		return nil, err
	}
	if q.Until, err = s.moment("until", in.Until); err != nil {
		return nil, err
	}
	q.FromSeq = in.From
	out := EventList{Items: []CloudEvent{}}
	if in.Order == "desc" {
		found, err := s.newest(ctx, q, match, in.Limit)
		if err != nil {
			return nil, err
		}
		for _, e := range slices.Backward(found) {
			out.Items = append(out.Items, toCloudEvent(e))
		}
	} else if err := s.bus.History(ctx, q, func(e bus.Stored) error {
		if !match.accepts(e) {
			return nil
		}
		if len(out.Items) == in.Limit {
			out.Next = strconv.FormatUint(e.Sequence, 10)
			return bus.Stop()
		}
		out.Items = append(out.Items, toCloudEvent(e))
		return nil
	}); err != nil {
		return nil, err
	}
	// The history outlives its project; a name that never was is a mistake.
	if len(out.Items) == 0 {
		if _, err := s.project(ctx, in.Project); err != nil {
			return nil, err
		}
	}
	return &ok[EventList]{out}, nil
}

func (s *Service) streamEvents(ctx context.Context, in *struct {
	ProjectPath
	EventsFilter
	From        uint64 `query:"from" doc:"First sequence; 0: only new events"`
	LastEventID string `header:"Last-Event-ID" doc:"Sequence of the last event that was received"`
}) (*huma.StreamResponse, error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	q, match, err := in.query(in.Project)
	if err != nil {
		return nil, err
	}
	q.FromSeq = in.From
	if in.LastEventID != "" {
		last, err := strconv.ParseUint(in.LastEventID, 10, 64)
		if err != nil {
			return nil, at(problem(http.StatusBadRequest, "Last-Event-ID %q: want the number of an event", in.LastEventID), "header.Last-Event-ID", "want a number")
		}
		q.FromSeq = last + 1
	}
	if q.FromSeq == 0 {
		last, err := s.lastSequence(ctx)
		if err != nil {
			return nil, err
		}
		q.FromSeq = last + 1
	}
	return s.streaming("events", always, func(st *stream) error {
		for {
			err := s.bus.Tail(st.ctx, q, func(e bus.Stored) error {
				if match.accepts(e) {
					st.send("", strconv.FormatUint(e.Sequence, 10), toCloudEvent(e))
				}
				q.FromSeq = e.Sequence + 1
				return st.ctx.Err()
			})
			if st.ctx.Err() != nil {
				return nil
			}
			// JetStream was away for a moment: the client need not notice.
			s.log(st.ctx).Debug().Err(err).Msg("live events interrupted")
			select {
			case <-st.ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	}), nil
}

// query turns the filter into one that the bus understands and one for what
// it does not: types of other producers.
func (f EventsFilter) query(project string) (bus.Query, *typeFilter, error) {
	q := bus.Query{Project: project, App: f.App, Correlation: f.Correlation}
	if len(f.Type) == 0 {
		return q, nil, nil
	}
	wanted := &typeFilter{names: map[string]bool{}, types: map[string]bool{}}
	for _, t := range f.Type {
		if t = strings.TrimSuffix(strings.TrimSpace(t), ".*"); t == "" {
			continue
		}
		known := false
		for _, p := range events.Catalog() {
			if et := p.EventType(); t == et.Name() || t == et.Noun() || t == string(et) {
				wanted.names[et.Name()], known = true, true
			}
		}
		if !known {
			if !strings.Contains(t, ".") || len(t) > 200 {
				return q, nil, at(problem(http.StatusUnprocessableEntity, "event type %q is not known; GET %s/types lists them", t, base), "query.type", "want a type, a short name or a noun")
			}
			wanted.types[t] = true
		}
	}
	if len(wanted.types) == 0 {
		for name := range wanted.names {
			q.Types = append(q.Types, name)
		}
		slices.Sort(q.Types)
	}
	return q, wanted, nil
}

// typeFilter accepts events by short name or by full type. The nil filter
// accepts all.
type typeFilter struct{ names, types map[string]bool }

func (f *typeFilter) accepts(e bus.Stored) bool {
	return f == nil || f.types[string(e.Type)] || (e.Type.Noun() != "" && (f.names[e.Type.Name()] || f.types[e.Type.Name()]))
}
