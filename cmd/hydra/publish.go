// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
)

// fillEvent sets what the flags say and completes the rest.
func fillEvent(e *event.Event, kind, source, subject, app, data, id string) error {
	if kind != "" {
		e.SetType(kind)
	}
	if source != "" {
		e.SetSource(source)
	}
	if subject != "" {
		e.SetSubject(subject)
	}
	if app != "" {
		e.SetExtension("app", app)
	}
	if id != "" {
		e.SetID(id)
	}
	if e.ID() == "" {
		e.SetID(rand.Text())
	}
	if e.Time().IsZero() {
		e.SetTime(time.Now().UTC())
	}
	if data != "" {
		contentType := "text/plain"
		if json.Valid([]byte(data)) {
			contentType = event.ApplicationJSON
		}
		e.SetDataContentType(contentType)
		e.DataEncoded, e.DataBase64 = []byte(data), false
	}
	switch {
	case e.Type() == "":
		return usagef("the event has no type: add --type, such as com.example.order.placed")
	case e.Source() == "":
		return usagef("the event has no source: add --source, such as /acme/orders")
	}
	if err := e.Validate(); err != nil {
		return usagef("the event is not valid: %s", err)
	}
	return nil
}
