// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
)

// The CloudEvents NATS protocol binding, 1.0.3 working draft
// (cloudevents/spec, cloudevents/bindings/nats-protocol-binding.md): written
// in binary mode exactly, read leniently in both modes.

const (
	headerPrefix    = "ce-"
	structuredMedia = "application/cloudevents"
)

// toMessage writes ev in binary mode.
func toMessage(subject string, ev event.Event) *nats.Msg {
	msg := nats.NewMsg(subject)
	set := func(name, value string) {
		if value != "" {
			msg.Header[headerPrefix+name] = []string{percentEncode(value)}
		}
	}
	set("specversion", ev.SpecVersion())
	set("id", ev.ID())
	set("source", ev.Source())
	set("type", ev.Type())
	set("subject", ev.Subject())
	set("datacontenttype", ev.DataContentType())
	set("dataschema", ev.DataSchema())
	if !ev.Time().IsZero() {
		set("time", ev.Time().UTC().Format("2006-01-02T15:04:05.999999999Z07:00"))
	}
	for name, value := range ev.Extensions() {
		set(name, fmt.Sprint(value))
	}
	msg.Data = ev.Data()
	return msg
}

// FromMessage reads a CloudEvent that anybody may have written: binary or
// structured, header names in any case.
func FromMessage(header nats.Header, data []byte) (event.Event, error) {
	lower := make(map[string]string, len(header))
	for name, values := range header {
		if len(values) > 0 {
			lower[strings.ToLower(name)] = values[0]
		}
	}
	ev := event.New()
	if strings.HasPrefix(strings.ToLower(lower["content-type"]), structuredMedia) || (len(data) > 0 && lower[headerPrefix+"specversion"] == "" && data[0] == '{') {
		if err := ev.UnmarshalJSON(data); err != nil {
			return ev, fmt.Errorf("read structured CloudEvent: %w", err)
		}
		return ev, ev.Validate()
	}
	if lower[headerPrefix+"specversion"] == "" {
		return ev, fmt.Errorf("read CloudEvent: header ce-specversion is missing and the body is not a structured event")
	}
	for name, raw := range lower {
		attribute, ok := strings.CutPrefix(name, headerPrefix)
		if !ok {
			continue
		}
		value, err := percentDecode(raw)
		if err != nil {
			return ev, fmt.Errorf("read CloudEvent header %s: %w", name, err)
		}
		if err := setAttribute(&ev, attribute, value); err != nil {
			return ev, fmt.Errorf("read CloudEvent header %s: %w", name, err)
		}
	}
	if contentType := lower["content-type"]; ev.DataContentType() == "" && contentType != "" {
		ev.SetDataContentType(contentType)
	}
	ev.DataEncoded = data
	return ev, ev.Validate()
}

func setAttribute(ev *event.Event, name, value string) error {
	switch name {
	case "specversion":
		return ev.Context.SetType(ev.Type()) // 1.0 is the only version there is
	case "id":
		return ev.Context.SetID(value)
	case "source":
		return ev.Context.SetSource(value)
	case "type":
		return ev.Context.SetType(value)
	case "subject":
		return ev.Context.SetSubject(value)
	case "datacontenttype":
		return ev.Context.SetDataContentType(value)
	case "dataschema":
		return ev.Context.SetDataSchema(value)
	case "time":
		t, err := parseTime(value)
		if err != nil {
			return err
		}
		return ev.Context.SetTime(t)
	default:
		return ev.Context.SetExtension(name, value)
	}
}

// percentEncode escapes space, double quote, percent and everything outside
// U+0021..U+007E, as the binding demands.
func percentEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= 0x20 || c == '"' || c == '%' || c > 0x7e {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// percentDecode unquotes, decodes once and refuses what is not UTF-8. A
// percent sign that begins no escape is kept: other producers write it so.
func percentDecode(s string) (string, error) {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = strings.ReplaceAll(strings.ReplaceAll(s[1:len(s)-1], `\"`, `"`), `\\`, `\`)
	}
	decoded, err := url.PathUnescape(s)
	if err != nil {
		decoded = s
	}
	if !utf8.ValidString(decoded) {
		return "", fmt.Errorf("value %q is not valid UTF-8 once decoded", s)
	}
	return decoded, nil
}
