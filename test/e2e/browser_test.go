// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// browser walks the page in Chromium and leaves screenshots.
func browser(t *testing.T, r *running) {
	t.Helper()
	for _, program := range []string{"node", "chromium"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("browser: %s is not installed", program)
		}
	}
	if _, err := os.Stat("../../web/node_modules/playwright-core"); err != nil {
		t.Skip("browser: web/node_modules is not there; run `npm ci` in web")
	}
	state, err := r.Status(t.Context())
	require.NoError(t, err)
	token, err := r.Token()
	require.NoError(t, err)
	web, err := filepath.Abs("../../web")
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "npm", "run", "--silent", "e2e")
	cmd.Dir = web
	cmd.Env = append(os.Environ(), "HYDRA_URL="+state.URL, "HYDRA_TOKEN="+token, "HYDRA_PROJECT=acme", "HYDRA_APP=hello")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	t.Logf("%s", out)
}
