// SPDX-License-Identifier: Apache-2.0

package gitea

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	peer "github.com/go-playground/webhooks/v6/gitea"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/libs/auth"
	"github.com/hydra-platform/hydra/services/gateway/forge"
)

const secret = "a secret of sixteen"

func testdata(t testing.TB) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-playground/webhooks/v6").Output()
	require.NoError(t, err)
	return filepath.Join(strings.TrimSpace(string(dir)), "testdata", "gitea")
}

func header(event string) http.Header {
	h := http.Header{}
	h.Set("X-Gitea-Event", event)
	h.Set("X-Gitea-Delivery", "f6266f16-1bf3-46a5-9ea4-602e06ead473")
	return h
}

func TestVerifyBothHeaders(t *testing.T) {
	t.Parallel()
	body := []byte(`{"ref":"refs/heads/main"}`)
	digest := auth.SignHMAC(secret, body)
	for name, tc := range map[string]struct {
		header, value string
		want          error
	}{
		"Gitea":         {"X-Gitea-Signature", digest, nil},
		"Hub":           {"X-Hub-Signature-256", "sha256=" + digest, nil},
		"GiteaPrefixed": {"X-Gitea-Signature", "sha256=" + digest, forge.ErrMalformed},
		"HubBare":       {"X-Hub-Signature-256", digest, forge.ErrMalformed},
		"Short":         {"X-Gitea-Signature", digest[:63], forge.ErrMalformed},
		"NotHex":        {"X-Gitea-Signature", strings.Repeat("x", 64), forge.ErrWrong},
		"NoSecret":      {"X-Gitea-Signature", auth.SignHMAC("", body), forge.ErrWrong},
		"Gogs":          {"X-Gogs-Signature", digest, forge.ErrMissing},
	} {
		h := http.Header{}
		h.Set(tc.header, tc.value)
		require.ErrorIs(t, Verify(secret, h, body), tc.want, name)
	}
	// A wrong signature of Gitea's own is not made good by the other header.
	h := http.Header{}
	h.Set("X-Gitea-Signature", strings.Repeat("0", 64))
	h.Set("X-Hub-Signature-256", "sha256="+digest)
	require.ErrorIs(t, Verify(secret, h, body), forge.ErrWrong)
}

func TestFormIsSignedByItsPayload(t *testing.T) {
	t.Parallel()
	payload, err := os.ReadFile(filepath.Join(testdata(t), "push-event.json"))
	require.NoError(t, err)
	body := []byte(url.Values{"payload": {string(payload)}}.Encode())
	h := header("push")
	h.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	h.Set("X-Gitea-Signature", auth.SignHMAC(secret, payload))
	require.NoError(t, Verify(secret, h, body))
	d, err := Parse(h, body)
	require.NoError(t, err)
	require.Equal(t, "67b56589a45103f891bdee7c0546e5d40bc02001", d.Push.Commit.SHA)
	h.Set("X-Gitea-Signature", auth.SignHMAC(secret, body))
	require.ErrorIs(t, Verify(secret, h, body), forge.ErrWrong)
}

func TestParsePublishedPayloads(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(testdata(t), "*.json"))
	require.NoError(t, err)
	require.Greater(t, len(files), 15)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		event := strings.TrimSuffix(filepath.Base(file), "-event.json")
		d, err := Parse(header(event), body)
		require.NoError(t, err, file)
		require.Equal(t, event == "push", d.Push != nil, file)
	}
}

func TestParseAgreesWithThePeer(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join(testdata(t), "push-event.json"))
	require.NoError(t, err)
	h := header("push")
	h.Set("X-Gitea-Signature", auth.SignHMAC(secret, body))
	ours, err := Parse(h, body)
	require.NoError(t, err)
	hook, err := peer.New(peer.Options.Secret(secret))
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header = h
	parsed, err := hook.Parse(r, peer.PushEvent)
	require.NoError(t, err)
	theirs := parsed.(peer.PushPayload)
	require.Equal(t, theirs.After, ours.Push.Commit.SHA)
	require.Equal(t, theirs.Ref, "refs/heads/"+ours.Push.Branch)
	require.Contains(t, ours.Push.URLs, theirs.Repo.CloneURL)
}

func FuzzParse(f *testing.F) {
	f.Add("push", "application/json", []byte(`{"ref":"refs/heads/main","after":"0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c","commits":[],"repository":{"clone_url":"https://x.test/a"}}`))
	f.Add("push", "application/x-www-form-urlencoded", []byte("payload=%7B%7D"))
	f.Add("create", "", []byte(`{}`))
	f.Fuzz(func(t *testing.T, event, media string, body []byte) {
		h := header(event)
		h.Set("Content-Type", media)
		h.Set("X-Gitea-Signature", strings.Repeat("0", 64))
		require.Error(t, Verify(secret, h, body))
		d, err := Parse(h, body)
		if err == nil && d.Push != nil {
			require.True(t, forge.SHA(d.Push.Commit.SHA))
			require.NotEmpty(t, d.Push.URLs)
		}
	})
}
