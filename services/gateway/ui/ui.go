// SPDX-License-Identifier: Apache-2.0

// Package ui serves the web page, whose build in web/ writes to dist.
//
// Files below assets/ carry a hash in their name and are kept by the browser
// for a year; everything else is asked for again each time. A path that is no
// file is answered with index.html, because the page has routes of its own.
package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// dist holds nothing but .gitkeep until `make build` has built the page.
//
//go:embed all:dist
var dist embed.FS

// unbuilt says so to whoever opens a gateway that was built without it.
//
//go:embed unbuilt.html
var unbuilt []byte

const (
	index     = "index.html"
	immutable = "public, max-age=31536000, immutable"
	fresh     = "no-cache"
)

// Handler serves the embedded page; missing answers where there is no file
// and the page would be no answer either.
func Handler(missing http.HandlerFunc) http.Handler {
	return handler{dist, missing}
}

type handler struct {
	files   fs.FS
	missing http.HandlerFunc
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	data, err := h.read(name)
	if err != nil {
		// A missing script must not be answered with a page.
		if path.Ext(name) != "" && strings.HasPrefix(name, "assets/") {
			h.missing(w, r)
			return
		}
		name = index
		if data, err = h.read(name); err != nil {
			data = unbuilt
		}
	}
	cache := fresh
	if strings.HasPrefix(name, "assets/") {
		cache = immutable
	}
	sum := sha256.Sum256(data)
	w.Header().Set("Cache-Control", cache)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	// Embedded files have no time of change; the tag stands for it.
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}

func (h handler) read(name string) ([]byte, error) {
	return fs.ReadFile(h.files, path.Join("dist", name))
}
