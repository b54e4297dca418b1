// SPDX-License-Identifier: Apache-2.0

package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// SpecVersion is the CDEvents version that the data of every event names.
const SpecVersion = "0.5.1"

// document is a CDEvent, the data of each CloudEvent
// (https://github.com/cdevents/spec, v0.5.1, "CDEvents JSON format").
type document struct {
	Context struct {
		SpecVersion string    `json:"specversion"`
		ID          string    `json:"id"`
		Source      string    `json:"source"`
		Type        Type      `json:"type"`
		Timestamp   time.Time `json:"timestamp"`
	} `json:"context"`
	Subject struct {
		ID      string          `json:"id"`
		Source  string          `json:"source,omitempty"`
		Content json.RawMessage `json:"content"`
	} `json:"subject"`
	CustomData            json.RawMessage `json:"customData,omitempty"`
	CustomDataContentType string          `json:"customDataContentType,omitempty"`
}

// Encode writes the CDEvent that is the data of the CloudEvent for meta and p.
func Encode(meta Meta, p Payload) ([]byte, error) {
	content, custom, err := split(p)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", p.EventType(), err)
	}
	var d document
	d.Context.SpecVersion = SpecVersion
	d.Context.ID, d.Context.Source, d.Context.Type, d.Context.Timestamp = meta.ID, meta.Source, p.EventType(), meta.Time.UTC()
	d.Subject.ID, d.Subject.Source, d.Subject.Content = meta.Subject, meta.Source, content
	if custom != nil {
		d.CustomData, d.CustomDataContentType = custom, "application/json"
	}
	return json.Marshal(d)
}

// Decode reads the payload out of a CDEvent. Unknown fields are ignored, so
// that a newer producer does not stop an older consumer.
func Decode(data []byte, into any) error {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return fmt.Errorf("decode CDEvent: %w", err)
	}
	if d.Context.Type == "" {
		return fmt.Errorf("decode CDEvent: context.type is missing")
	}
	for _, part := range []json.RawMessage{d.Subject.Content, d.CustomData} {
		if len(part) == 0 || part[0] != '{' {
			continue
		}
		if err := json.Unmarshal(part, into); err != nil {
			return fmt.Errorf("decode %s: %w", d.Context.Type, err)
		}
	}
	return nil
}

// split marshals a payload once and parts it into CDEvents content and
// customData by the tags of its fields.
func split(p Payload) (content, custom json.RawMessage, err error) {
	whole, err := json.Marshal(p)
	if err != nil {
		return nil, nil, err
	}
	if p.EventType().Custom() {
		return whole, nil, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(whole, &fields); err != nil {
		return nil, nil, err
	}
	standard := ContentFields(p)
	in, out := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for name, value := range fields {
		if standard[name] {
			in[name] = value
		} else {
			out[name] = value
		}
	}
	if content, err = marshalSorted(in); err != nil {
		return nil, nil, err
	}
	if len(out) > 0 {
		custom, err = marshalSorted(out)
	}
	return content, custom, err
}

// ContentFields names the JSON fields of p that travel in subject.content.
func ContentFields(p Payload) map[string]bool {
	fields := map[string]bool{}
	t := reflect.TypeOf(p)
	for i := range t.NumField() {
		f := t.Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); p.EventType().Custom() || f.Tag.Get("cdevents") == "content" {
			fields[name] = true
		}
	}
	return fields
}

func marshalSorted(m map[string]json.RawMessage) (json.RawMessage, error) {
	b, err := json.Marshal(m) // encoding/json writes map keys in order
	return bytes.TrimSpace(b), err
}
