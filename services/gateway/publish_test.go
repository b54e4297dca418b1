// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/gateway"
)

const order = "com.example.order.created"

func foreign(id string) event.Event {
	ev := event.New()
	ev.SetID(id)
	ev.SetSource("/acme/crm")
	ev.SetType(order)
	_ = ev.SetData("application/json", map[string]any{"total": 7})
	return ev
}

func (b *bundle) publish(token, project string, header http.Header, body []byte) answer {
	b.t.Helper()
	return b.send(http.MethodPost, "/api/v1/projects/"+project+"/events", token, header, body)
}

func (a answer) published() []gateway.PublishedEvent {
	a.t.Helper()
	require.Equal(a.t, http.StatusAccepted, a.status, string(a.body))
	var p gateway.Published
	a.into(&p)
	return p.Events
}

// The SDK writes each mode, as a producer would.
func TestPublishInEveryMode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.project("acme")
	ev := foreign("1")
	ev.SetExtension("app", "shop")
	ev.SetSubject("order 7")

	// Structured, which is what the SDK sends when it is told to.
	data, err := json.Marshal(ev)
	require.NoError(t, err)
	first := b.publish(token, "acme", http.Header{"Content-Type": {"application/cloudevents+json; charset=utf-8"}}, data).published()
	require.Equal(t, "1", first[0].ID)
	require.False(t, first[0].Duplicate)

	// Binary, which is the SDK's default.
	ev.SetID("2")
	r, err := cehttp.NewHTTPRequestFromEvent(b.ctx, b.url, ev)
	require.NoError(t, err)
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.False(t, b.publish(token, "acme", r.Header, body).published()[0].Duplicate)

	// Batch.
	r, err = cehttp.NewHTTPRequestFromEvents(b.ctx, b.url, []event.Event{foreign("3"), foreign("1"), foreign("4")})
	require.NoError(t, err)
	body, err = io.ReadAll(r.Body)
	require.NoError(t, err)
	batch := b.publish(token, "acme", r.Header, body).published()
	require.Len(t, batch, 3)
	require.Equal(t, []bool{false, true, false}, []bool{batch[0].Duplicate, batch[1].Duplicate, batch[2].Duplicate})
	require.Equal(t, first[0].Sequence, batch[1].Sequence, "a duplicate names the event that is there")

	var stored []bus.Stored
	for _, e := range b.events() {
		if e.Event.Type() == order {
			stored = append(stored, e)
		}
	}
	require.Len(t, stored, 4)
	for i, e := range stored {
		require.Equal(t, fmt.Sprint(i+1), e.ID)
		require.Equal(t, "acme", e.Project)
		require.Equal(t, "/acme/crm", e.Source)
		require.JSONEq(t, `{"total":7}`, string(e.Event.Data()))
	}
	require.Equal(t, "shop", stored[0].App)
	require.Equal(t, "shop", stored[1].App)
	require.Equal(t, "order 7", stored[1].Subject)
	require.Equal(t, "_", stored[2].App)
	require.Equal(t, 4.0, b.counted("hydra_gateway_published_total", "result=stored"))
	require.Equal(t, 1.0, b.counted("hydra_gateway_published_total", "result=duplicate"))
}

func TestBinaryAttributesArePercentDecoded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.project("acme")
	header := headers("ce-specversion", "1.0", "ce-id", "1", "ce-source", "/acme/crm", "ce-type", order, "ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80", "ce-quote", `"a \"b\""`)
	require.Equal(t, http.StatusAccepted, b.publish(token, "acme", header, []byte(`{"a":1}`)).status)
	header.Set("ce-id", "2")
	require.Equal(t, http.StatusAccepted, b.publish(token, "acme", header, nil).status, "an event may have no data")
	header.Set("ce-subject", "%C0%A0")
	require.Contains(t, b.publish(token, "acme", header, nil).problem(http.StatusBadRequest).Detail, "not UTF-8")
	var list struct{ Items []map[string]any }
	b.get("/projects/acme/events?type="+order, &list)
	require.Len(t, list.Items, 2)
	require.Equal(t, "Euro € 😀", list.Items[0]["subject"])
	require.Equal(t, `a "b"`, list.Items[0]["quote"])
	require.Equal(t, map[string]any{"a": 1.0}, list.Items[0]["data"])
}

func TestPublishIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *gateway.Config, _ *service.Deps) { c.BatchLimit, c.BodyLimit = 3, 128<<10 })
	token := b.project("acme")
	structured := http.Header{"Content-Type": {"application/cloudevents+json"}}
	batch := http.Header{"Content-Type": {"application/cloudevents-batch+json"}}
	with := func(change func(*event.Event)) []byte {
		ev := foreign("x")
		change(&ev)
		data, _ := json.Marshal(ev) // an invalid event is written as it is
		return data
	}
	raw := func(s string) []byte { return []byte(s) }
	many, err := json.Marshal([]event.Event{foreign("1"), foreign("2"), foreign("3"), foreign("4")})
	require.NoError(t, err)
	forged := foreign("2")
	forged.SetSource("/hydra/builder")
	mixed, err := json.Marshal([]event.Event{foreign("1"), forged})
	require.NoError(t, err)
	before := len(b.events())
	for name, tc := range map[string]struct {
		header   http.Header
		body     []byte
		status   int
		location string
	}{
		"OwnSource":      {structured, with(func(e *event.Event) { e.SetSource("/hydra/builder") }), 422, "source"},
		"OwnSourceBare":  {structured, with(func(e *event.Event) { e.SetSource("/hydra") }), 422, "source"},
		"OwnSourceCased": {structured, with(func(e *event.Event) { e.SetSource("/Hydra/Builder") }), 422, "source"},
		"OwnSourceCoded": {structured, with(func(e *event.Event) { e.SetSource("/%68ydra/builder") }), 422, "source"},
		"OwnType":        {structured, with(func(e *event.Event) { e.SetType("dev.cdeventsx.hydra-project.created.0.1.0") }), 422, "type"},
		"WildcardType":   {structured, with(func(e *event.Event) { e.SetType("dev.cdevents.*.>.0.1.0") }), 422, "type"},
		"ShortType":      {structured, with(func(e *event.Event) { e.SetType("dev.cdevents.build") }), 422, "type"},
		"ClaimOfOther":   {structured, with(func(e *event.Event) { e.SetExtension("dataref", "nats-object://claims/x") }), 422, "dataref"},
		"WildcardApp":    {structured, with(func(e *event.Event) { e.SetExtension("app", "a.>") }), 422, "app"},
		"LongId":         {structured, with(func(e *event.Event) { e.SetID(strings.Repeat("i", 300)) }), 422, "id"},
		"LongExtension":  {structured, with(func(e *event.Event) { e.SetExtension("note", strings.Repeat("n", 5000)) }), 422, "note"},
		"NoId":           {structured, raw(`{"specversion":"1.0","source":"/a","type":"t"}`), 422, "event"},
		"OtherVersion":   {structured, raw(`{"specversion":"0.2","id":"1","source":"/a","type":"t"}`), 400, ""},
		"NotJSON":        {structured, raw(`{`), 400, ""},
		"NotCloudEvents": {http.Header{"Content-Type": {"application/json"}}, raw(`{}`), 415, ""},
		"XMLFormat":      {http.Header{"Content-Type": {"application/cloudevents+xml"}}, raw(`<event/>`), 415, ""},
		"DataIsNotJSON":  {headers("ce-specversion", "1.0", "ce-id", "1", "ce-source", "/a", "ce-type", order), raw(`{oops`), 422, "data"},
		"BinaryNoSource": {headers("ce-specversion", "1.0", "ce-id", "1", "ce-type", order), raw(`{}`), 422, "event"},
		"EmptyBatch":     {batch, raw(`[]`), 422, ""},
		"LargeBatch":     {batch, many, 422, ""},
		"OneOfBatchBad":  {batch, mixed, 422, "body[1].source"},
		"TooLarge":       {structured, with(func(e *event.Event) { _ = e.SetData("text/plain", strings.Repeat("d", 200<<10)) }), 413, ""},
	} {
		p := b.publish(token, "acme", tc.header, tc.body)
		require.Equal(t, tc.status, p.status, "%s: %s", name, p.body)
		if tc.location != "" {
			require.Equal(t, tc.location, p.problem(tc.status).Errors[0].Location, name)
		} else {
			require.NotEmpty(t, p.problem(tc.status).Title, name)
		}
	}
	require.Len(t, b.events(), before, "nothing was stored, not even the good one of a batch")
}

// The event of one tenant is no duplicate of another's, and a second event of
// the same id does not replace the first one's data.
func TestTenantsDoNotMeetInIds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	acme, other := b.project("acme"), b.project("other")
	structured := http.Header{"Content-Type": {"application/cloudevents+json"}}
	large := func(fill string) []byte {
		ev := foreign("same")
		require.NoError(t, ev.SetData("text/plain", strings.Repeat(fill, 80<<10)))
		data, err := json.Marshal(ev)
		require.NoError(t, err)
		return data
	}
	require.False(t, b.publish(acme, "acme", structured, large("a")).published()[0].Duplicate)
	require.False(t, b.publish(other, "other", structured, large("o")).published()[0].Duplicate)
	require.True(t, b.publish(acme, "acme", structured, large("x")).published()[0].Duplicate)
	for project, fill := range map[string]string{"acme": "a", "other": "o"} {
		var list struct{ Items []struct{ Data string } }
		b.get("/projects/"+project+"/events?type="+order, &list)
		require.Len(t, list.Items, 1)
		require.Equal(t, strings.Repeat(fill, 80<<10), list.Items[0].Data)
	}
}

// Over NATS anybody may call anything JSON. The page is still readable.
func TestEventWithBrokenDataIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	msg := nats.NewMsg("ev.acme.external.odd._")
	for name, value := range map[string]string{"specversion": "1.0", "id": "1", "source": "/n", "type": "com.example.odd", "project": "acme", "app": "_", "datacontenttype": "application/json"} {
		msg.Header["ce-"+name] = []string{value}
	}
	msg.Data = []byte("{oops")
	_, err := b.js.PublishMsg(b.ctx, msg)
	require.NoError(t, err)
	var list struct {
		Items []struct {
			Data64 string `json:"data_base64"`
		}
	}
	b.get("/projects/acme/events?type=com.example.odd", &list)
	require.Len(t, list.Items, 1)
	require.Equal(t, base64.StdEncoding.EncodeToString(msg.Data), list.Items[0].Data64)
}

func FuzzPublish(f *testing.F) {
	f.Add("application/cloudevents+json", "", []byte(`{"specversion":"1.0","id":"1","source":"/a","type":"t","data":1}`))
	f.Add("application/cloudevents-batch+json", "", []byte(`[{"specversion":"1.0","id":"1","source":"/hydra/x","type":"t"}]`))
	f.Add("text/plain", "1.0", []byte("x"))
	f.Add("application/cloudevents+json", "", []byte(`{"specversion":"1.0","id":"1","source":"/a","type":"t","data_base64":"!"}`))
	f.Fuzz(func(t *testing.T, media, version string, body []byte) {
		h := http.Header{}
		h.Set("Content-Type", media)
		h.Set("Ce-Specversion", version)
		h.Set("Ce-Id", "1")
		h.Set("Ce-Source", string(bytes.TrimSpace(body)))
		h.Set("Ce-Type", media)
		evs, err := gateway.ReadEvents(h, body)
		if err != nil {
			return
		}
		for _, ev := range evs {
			require.NotContains(t, strings.ToLower(ev.Source()), "/hydra/builder")
			require.NoError(t, ev.Validate())
		}
	})
}
