// SPDX-License-Identifier: Apache-2.0

package events_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	cdevents "github.com/cdevents/sdk-go/pkg/api"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/eventstest"
)

const schemaBase = "https://hydra.dev/schema/"

// schema describes the data of an event: the CDEvents envelope with the
// payload's fields parted as Encode parts them.
func schema(p events.Payload) map[string]any {
	reflector := jsonschema.Reflector{DoNotReference: true, Anonymous: true, AllowAdditionalProperties: true}
	whole := reflector.ReflectFromType(reflect.TypeOf(p))
	content, custom := object(), object()
	standard := events.ContentFields(p)
	required := map[string]bool{}
	for _, name := range whole.Required {
		required[name] = true
	}
	for pair := whole.Properties.Oldest(); pair != nil; pair = pair.Next() {
		part := custom
		if standard[pair.Key] {
			part = content
		}
		part["properties"].(map[string]any)[pair.Key] = pair.Value
		if required[pair.Key] {
			part["required"] = append(part["required"].([]string), pair.Key)
		}
	}
	text := map[string]any{"type": "string", "minLength": 1}
	subject := object()
	subject["properties"] = map[string]any{"id": text, "source": text, "content": content}
	subject["required"] = []string{"id", "content"}
	envelope := object()
	envelope["properties"] = map[string]any{
		"specversion": map[string]any{"const": events.SpecVersion},
		"id":          text, "source": text, "timestamp": map[string]any{"type": "string", "format": "date-time"},
		"type": map[string]any{"const": p.EventType()},
	}
	envelope["required"] = []string{"specversion", "id", "source", "type", "timestamp"}
	properties := map[string]any{"context": envelope, "subject": subject}
	if !p.EventType().Custom() {
		properties["customData"] = custom
		properties["customDataContentType"] = map[string]any{"const": "application/json"}
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": schemaBase + p.EventType().Name() + ".json",
		"title": p.EventType(), "type": "object", "properties": properties, "required": []string{"context", "subject"},
	}
}

func object() map[string]any {
	return map[string]any{"type": "object", "properties": map[string]any{}, "required": []string{}}
}

func TestSchemasAreGeneratedAndAcceptTheGoldenEvents(t *testing.T) {
	t.Parallel()
	for _, p := range eventstest.Samples() {
		t.Run(p.EventType().Name(), func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(schema(p))
			require.NoError(t, err)
			golden(t, filepath.Join("schema", p.EventType().Name()+".json"), data)

			compiled := compile(t, schemaBase+p.EventType().Name()+".json", data)
			event, err := events.Encode(eventstest.Meta(p), p)
			require.NoError(t, err)
			require.NoError(t, compiled.Validate(document(t, event)))
		})
	}
}

// The official CDEvents v0.5.1 schemas accept every event whose type they
// know, and their schema of custom events accepts the rest.
func TestEventsConformToCDEvents(t *testing.T) {
	t.Parallel()
	for _, p := range eventstest.Samples() {
		t.Run(p.EventType().Name(), func(t *testing.T) {
			t.Parallel()
			data, err := events.Encode(eventstest.Meta(p), p)
			require.NoError(t, err)
			typ := p.EventType()
			custom := ""
			if typ.Custom() {
				custom = "custom"
			}
			_, official, err := cdevents.CompiledSchemas.GetBySpecSubjectPredicate(events.SpecVersion, typ.Noun(), typ.Verb(), custom)
			require.NoError(t, err)
			require.NoError(t, official.Validate(document(t, data)))

			broken := bytes.Replace(data, []byte(`"specversion":"0.5.1"`), []byte(`"specversion":""`), 1)
			require.Error(t, official.Validate(document(t, broken)), "the schema is one that can refuse")
		})
	}
}

// A published field is never removed, renamed or retyped. The schemas that
// were released are kept under testdata/released; every golden event of today
// must still be valid by them.
func TestReleasedSchemasStillHold(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/released/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	byName := map[string]events.Payload{}
	for _, p := range eventstest.Samples() {
		byName[p.EventType().Name()+".json"] = p
	}
	for _, file := range files {
		p, there := byName[filepath.Base(file)]
		require.True(t, there, "%s was released and is gone from the catalogue", file)
		old, err := os.ReadFile(file)
		require.NoError(t, err)
		data, err := events.Encode(eventstest.Meta(p), p)
		require.NoError(t, err)
		require.NoError(t, compile(t, "https://hydra.dev/released/"+filepath.Base(file), strip(t, old)).Validate(document(t, data)), file)

		current, err := json.Marshal(schema(p))
		require.NoError(t, err)
		require.Subset(t, fields(t, current), fields(t, old), "%s: a released field is gone or has another type", file)
	}
}

// fields lists the fields of a schema with their types, such as
// "customData.commit.sha string".
func fields(t *testing.T, schema []byte) []string {
	t.Helper()
	var root map[string]any
	require.NoError(t, json.Unmarshal(schema, &root))
	var out []string
	var walk func(path string, node map[string]any)
	walk = func(path string, node map[string]any) {
		properties, _ := node["properties"].(map[string]any)
		for name, child := range properties {
			c, ok := child.(map[string]any)
			if !ok {
				continue
			}
			typ, _ := c["type"].(string)
			out = append(out, path+name+" "+typ)
			walk(path+name+".", c)
		}
	}
	walk("", root)
	return out
}

func strip(t *testing.T, schema []byte) []byte {
	t.Helper()
	var root map[string]any
	require.NoError(t, json.Unmarshal(schema, &root))
	delete(root, "$id")
	out, err := json.Marshal(root)
	require.NoError(t, err)
	return out
}

func compile(t *testing.T, id string, data []byte) *validator.Schema {
	t.Helper()
	compiler := validator.NewCompiler()
	require.NoError(t, compiler.AddResource(id, document(t, data)))
	compiled, err := compiler.Compile(id)
	require.NoError(t, err)
	return compiled
}

func document(t *testing.T, data []byte) any {
	t.Helper()
	doc, err := validator.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	return doc
}
