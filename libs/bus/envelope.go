// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/hydra-platform/hydra/events"
)

// Names of the extension attributes that carry events.Meta.
const (
	extProject     = "project"
	extApp         = "app"
	extKey         = "partitionkey"
	extCorrelation = "correlationid"
	extCausation   = "causationid"
	extTraceParent = "traceparent"
	extDataRef     = "dataref"
)

func toCloudEvent(meta events.Meta, data []byte) (event.Event, error) {
	ev := event.New()
	ev.SetID(meta.ID)
	ev.SetSource(meta.Source)
	ev.SetType(string(meta.Type))
	ev.SetSubject(meta.Subject)
	ev.SetTime(meta.Time)
	ev.SetExtension(extProject, meta.Project)
	ev.SetExtension(extApp, meta.App)
	ev.SetExtension(extKey, meta.Key())
	for name, value := range map[string]string{
		extCorrelation: meta.CorrelationID,
		extCausation:   meta.CausationID,
		extTraceParent: meta.TraceParent,
	} {
		if value != "" {
			ev.SetExtension(name, value)
		}
	}
	if err := ev.SetData("application/json", data); err != nil {
		return ev, fmt.Errorf("set data: %w", err)
	}
	return ev, ev.Validate()
}

func toMeta(ev event.Event) events.Meta {
	ext := func(name string) string {
		s, _ := ev.Extensions()[name].(string)
		return s
	}
	return events.Meta{
		ID: ev.ID(), Source: ev.Source(), Type: events.Type(ev.Type()), Subject: ev.Subject(), Time: ev.Time(),
		Project: orNone(ext(extProject)), App: orNone(ext(extApp)),
		CorrelationID: ext(extCorrelation), CausationID: ext(extCausation), TraceParent: ext(extTraceParent),
	}
}

func orNone(s string) string {
	if s == "" {
		return events.None
	}
	return s
}

func parseTime(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, s) }
