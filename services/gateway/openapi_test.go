// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/libs/service"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// The committed document is what the CLI and the page are written against.
func TestOpenAPIIsCommitted(t *testing.T) {
	t.Parallel()
	s, err := New(DefaultConfig(), service.Deps{})
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("openapi.json", s.OpenAPI(), 0o644))
	}
	committed, err := os.ReadFile("openapi.json")
	require.NoError(t, err)
	// Not Equal: its message would be the whole document, twice.
	require.True(t, bytes.Equal(committed, s.OpenAPI()), "openapi.json is out of date; run go test -run OpenAPI -update . and look at the difference")
}
