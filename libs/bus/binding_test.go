// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/eventstest"
)

// The vector is the one in the NATS binding's text.
func TestPercentEncodingVector(t *testing.T) {
	t.Parallel()
	const plain, encoded = "Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"
	require.Equal(t, encoded, percentEncode(plain))
	decoded, err := percentDecode(encoded)
	require.NoError(t, err)
	require.Equal(t, plain, decoded)
	_, err = percentDecode("%C0%A0")
	require.Error(t, err, "what is not UTF-8 once decoded is refused")
	quoted, err := percentDecode(`"a \"b\" c"`)
	require.NoError(t, err)
	require.Equal(t, `a "b" c`, quoted)
}

func TestMessageRoundTrip(t *testing.T) {
	t.Parallel()
	for _, p := range eventstest.Samples() {
		meta := eventstest.Meta(p)
		data, err := events.Encode(meta, p)
		require.NoError(t, err)
		ev, err := toCloudEvent(meta, data)
		require.NoError(t, err)
		msg := toMessage(meta.NATSSubject(), ev)
		for name := range msg.Header {
			require.Equal(t, strings.ToLower(name), name, "attribute names are written in lower case")
		}
		back, err := FromMessage(msg.Header, msg.Data)
		require.NoError(t, err)
		require.Equal(t, meta, toMeta(back))
		require.Equal(t, data, back.Data())
	}
}

func TestEventsOfOtherProducersAreRead(t *testing.T) {
	t.Parallel()
	const structured = `{"specversion":"1.0","id":"1","source":"/other","type":"com.example.done","data":{"x":1}}`
	for name, tc := range map[string]struct {
		header nats.Header
		body   string
		fails  string
	}{
		"Structured":             {nats.Header{"Content-Type": {"application/cloudevents+json; charset=utf-8"}}, structured, ""},
		"StructuredLowerCase":    {nats.Header{"content-type": {"Application/CloudEvents+json"}}, structured, ""},
		"StructuredNoHeader":     {nil, structured, ""}, // as cloudevents/sdk-go writes it
		"TitleCasedHeaders":      {nats.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/other"}, "Ce-Type": {"com.example.done"}}, `{"x":1}`, ""},
		"UnencodedSubject":       {nats.Header{"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"/other"}, "ce-type": {"com.example.done"}, "ce-subject": {"100% €"}}, `{"x":1}`, ""},
		"MissingType":            {nats.Header{"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"/other"}}, `{}`, "type"},
		"PlainText":              {nil, "hello", "ce-specversion"},
		"JSONThatIsNoCloudEvent": {nil, `{"hello":"world"}`, "specversion"},
		"Empty":                  {nil, "", "ce-specversion"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev, err := FromMessage(tc.header, []byte(tc.body))
			if tc.fails != "" {
				require.ErrorContains(t, err, tc.fails)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "com.example.done", ev.Type())
			require.JSONEq(t, `{"x":1}`, string(ev.Data()))
		})
	}
}

func FuzzFromMessage(f *testing.F) {
	f.Add("1.0", "id", "/source", "type", "application/json", []byte(`{}`))
	f.Add("", "", "", "", "application/cloudevents+json", []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t"}`))
	f.Fuzz(func(t *testing.T, spec, id, source, typ, media string, body []byte) {
		ev, err := FromMessage(nats.Header{"ce-specversion": {spec}, "ce-id": {id}, "ce-source": {source}, "ce-type": {typ}, "Content-Type": {media}}, body)
		if err == nil && ev.Validate() != nil {
			t.Fatalf("accepted an invalid event: %v", ev.Validate())
		}
	})
}

func FuzzPercent(f *testing.F) {
	f.Add("Euro € 😀")
	f.Add(`"quoted"`)
	f.Fuzz(func(t *testing.T, s string) {
		encoded := percentEncode(s)
		decoded, err := percentDecode(encoded)
		if err == nil && decoded != s {
			t.Fatalf("%q became %q by way of %q", s, decoded, encoded)
		}
	})
}
