// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// contract checks answers against the OpenAPI document: the status must be
// documented and the body must fit its schema.
type contract struct {
	doc      map[string]any
	mux      *http.ServeMux // finds the path template of a request
	compiler *jsonschema.Compiler

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema // guarded by mu
}

func newContract(t *testing.T, document []byte) *contract {
	t.Helper()
	c := &contract{mux: http.NewServeMux(), compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	require.NoError(t, err)
	require.NoError(t, c.compiler.AddResource("openapi.json", parsed))
	require.NoError(t, json.Unmarshal(document, &c.doc))
	for path, item := range c.doc["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			c.mux.HandleFunc(strings.ToUpper(method)+" "+path, func(http.ResponseWriter, *http.Request) {})
		}
	}
	return c
}

func (c *contract) schema(t *testing.T, pointer string) *jsonschema.Schema {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.schemas[pointer]; s != nil {
		return s
	}
	s, err := c.compiler.Compile("openapi.json#" + pointer)
	require.NoError(t, err)
	c.schemas[pointer] = s
	return s
}

func (c *contract) check(t *testing.T, method, path string, res *http.Response, body []byte) {
	t.Helper()
	r, err := http.NewRequest(method, path, nil)
	require.NoError(t, err)
	_, pattern := c.mux.Handler(r)
	if pattern == "" {
		return // not of the API
	}
	verb, template, _ := strings.Cut(pattern, " ")
	operation := c.doc["paths"].(map[string]any)[template].(map[string]any)[strings.ToLower(verb)].(map[string]any)
	responses := operation["responses"].(map[string]any)
	status := fmt.Sprint(res.StatusCode)
	if res.StatusCode >= 400 {
		status = "default"
	}
	documented, ok := responses[status].(map[string]any)
	require.True(t, ok, "%s answered %d, which is not documented: %s", pattern, res.StatusCode, body)
	content, _ := documented["content"].(map[string]any)
	if len(content) == 0 {
		require.Empty(t, body, pattern)
		return
	}
	media, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	require.NoError(t, err, pattern)
	require.Contains(t, content, media, pattern)
	if !strings.HasSuffix(media, "json") || method == http.MethodHead {
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	require.NoError(t, err)
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	pointer := "/paths/" + escape.Replace(template) + "/" + strings.ToLower(verb) + "/responses/" + status + "/content/" + escape.Replace(media) + "/schema"
	require.NoError(t, c.schema(t, pointer).Validate(value), "%s: %s", pattern, body)
}
