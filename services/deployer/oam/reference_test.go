// SPDX-License-Identifier: Apache-2.0

package oam_test

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/services/deployer/oam"
)

var update = flag.Bool("update", false, "write docs/oam.md")

func TestReference(t *testing.T) {
	t.Parallel()
	const file = "../../../docs/oam.md"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(oam.Reference()), 0o644))
	}
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, oam.Reference(), string(data), "run with -update")
}
