// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHandler(t *testing.T) {
	for path, want := range map[string]int{"/": http.StatusOK, "/healthz": http.StatusOK, "/nothing": http.StatusNotFound} {
		res := httptest.NewRecorder()
		handler().ServeHTTP(res, httptest.NewRequest(http.MethodGet, path, nil))
		if res.Code != want {
			t.Errorf("GET %s: status %d, want %d", path, res.Code, want)
		}
	}
}
