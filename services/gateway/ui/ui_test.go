// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestFilesAndRoutes(t *testing.T) {
	t.Parallel()
	h := handler{fstest.MapFS{
		"dist/index.html":         {Data: []byte("<!doctype html><title>page</title>")},
		"dist/assets/app-1a2b.js": {Data: []byte("export {}")},
		"dist/favicon.svg":        {Data: []byte("<svg/>")},
	}, http.NotFound}
	for name, tc := range map[string]struct {
		path, media, cache string
		status             int
	}{
		"Root":         {"/", "text/html; charset=utf-8", fresh, 200},
		"Index":        {"/index.html", "text/html; charset=utf-8", fresh, 200},
		"RouteOfPage":  {"/projects/acme/apps/shop", "text/html; charset=utf-8", fresh, 200},
		"RouteWithDot": {"/projects/acme/journeys/a.b", "text/html; charset=utf-8", fresh, 200},
		"Asset":        {"/assets/app-1a2b.js", "text/javascript; charset=utf-8", immutable, 200},
		"File":         {"/favicon.svg", "image/svg+xml", fresh, 200},
		"MissingAsset": {"/assets/app-old.js", "text/plain; charset=utf-8", "", 404},
		"Folder":       {"/assets/", "text/html; charset=utf-8", fresh, 200},
		"Outside":      {"/../../ui.go", "text/html; charset=utf-8", fresh, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "http://hydra/", nil)
			r.URL.Path = tc.path
			h.ServeHTTP(w, r)
			require.Equal(t, tc.status, w.Code)
			require.Equal(t, tc.media, w.Header().Get("Content-Type"))
			require.Equal(t, tc.cache, w.Header().Get("Cache-Control"))
		})
	}
}

// The committed page, or the one that web/ built, is whole.
func TestPageIsEmbedded(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	Handler(http.NotFound).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "Hydra")
}
