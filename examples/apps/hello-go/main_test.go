// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestGreeting(t *testing.T) {
	for name, want := range map[string]string{"": "Hello, world", "Ada": "Hello, Ada"} {
		if got := greeting(name); got != want {
			t.Errorf("greeting(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestWorkRefusesNonsense(t *testing.T) {
	for _, ms := range []string{"x", "-1", "5000"} {
		res := httptest.NewRecorder()
		handler().ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/work?ms="+ms, nil))
		if res.Code != http.StatusBadRequest {
			t.Errorf("ms=%s: status %d", ms, res.Code)
		}
	}
}
