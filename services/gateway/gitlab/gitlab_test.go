// SPDX-License-Identifier: Apache-2.0

package gitlab

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	peer "github.com/go-playground/webhooks/v6/gitlab"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/services/gateway/forge"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

func testdata(t testing.TB) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-playground/webhooks/v6").Output()
	require.NoError(t, err)
	return filepath.Join(strings.TrimSpace(string(dir)), "testdata", "gitlab")
}

func header(event string) http.Header {
	h := http.Header{}
	h.Set("X-Gitlab-Event", event)
	return h
}

func signed(t *testing.T, key, id string, at time.Time, body []byte) http.Header {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(key)
	require.NoError(t, err)
	signature, err := w.Sign(id, at, body)
	require.NoError(t, err)
	h := header("Push Hook")
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
	h.Set("webhook-signature", signature)
	return h
}

func TestVerifySignature(t *testing.T) {
	t.Parallel()
	body := []byte(`{"ref":"refs/heads/main"}`)
	good := signed(t, secret, "msg_1", time.Now(), body)
	require.NoError(t, Verify(secret, good, body))

	rotated := good.Clone() // two keys while one replaces the other
	rotated.Set("webhook-signature", "v1,AAAA v1a,BBBB "+good.Get("webhook-signature"))
	require.NoError(t, Verify(secret, rotated, body))

	change := func(name, value string) http.Header { h := good.Clone(); h.Set(name, value); return h }
	for name, tc := range map[string]struct {
		header http.Header
		body   []byte
		secret string
		want   error
	}{
		"OtherBody":   {good, []byte("{}"), secret, forge.ErrWrong},
		"OtherId":     {change("webhook-id", "msg_2"), body, secret, forge.ErrWrong},
		"NoId":        {change("webhook-id", ""), body, secret, forge.ErrMissing},
		"NoTimestamp": {change("webhook-timestamp", ""), body, secret, forge.ErrMissing},
		"BadTime":     {change("webhook-timestamp", "now"), body, secret, forge.ErrMalformed},
		"Old":         {signed(t, secret, "msg_1", time.Now().Add(-6*time.Minute), body), body, secret, forge.ErrExpired},
		"Future":      {signed(t, secret, "msg_1", time.Now().Add(6*time.Minute), body), body, secret, forge.ErrExpired},
		"NoComma":     {change("webhook-signature", "v1"), body, secret, forge.ErrWrong},
		"PlainSecret": {good, body, "no signing key, but a long secret all the same", forge.ErrWrong},
		"EmptyKey":    {signed(t, "whsec_", "msg_1", time.Now(), body), body, "whsec_", forge.ErrWrong},
	} {
		require.ErrorIs(t, Verify(tc.secret, tc.header, tc.body), tc.want, name)
	}
}

func TestVerifyToken(t *testing.T) {
	t.Parallel()
	h := header("Push Hook")
	require.ErrorIs(t, Verify(secret, h, nil), forge.ErrMissing)
	h.Set("X-Gitlab-Token", secret)
	require.NoError(t, Verify(secret, h, nil))
	require.ErrorIs(t, Verify(secret+"x", h, nil), forge.ErrWrong)
	h.Set("X-Gitlab-Token", "")
	require.ErrorIs(t, Verify("", h, nil), forge.ErrMissing)
}

func TestParsePublishedPayloads(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(testdata(t), "*.json"))
	require.NoError(t, err)
	require.Greater(t, len(files), 30)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		event := "Other Hook"
		if filepath.Base(file) == "push-event.json" {
			event = "Push Hook"
		}
		d, err := Parse(header(event), body)
		require.NoError(t, err, file)
		require.Equal(t, event == "Push Hook", d.Push != nil, file)
		require.NotEmpty(t, d.ID)
	}
}

func TestParseAgreesWithThePeer(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join(testdata(t), "push-event.json"))
	require.NoError(t, err)
	h := header("Push Hook")
	h.Set("X-Gitlab-Token", secret)
	ours, err := Parse(h, body)
	require.NoError(t, err)
	hook, err := peer.New(peer.Options.Secret(secret))
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header = h
	parsed, err := hook.Parse(r, peer.PushEvents)
	require.NoError(t, err)
	theirs := parsed.(peer.PushEventPayload)
	require.Equal(t, theirs.After, ours.Push.Commit.SHA)
	require.Equal(t, theirs.Ref, "refs/heads/"+ours.Push.Branch)
	require.Contains(t, ours.Push.URLs, theirs.Project.GitHTTPURL)
	require.Contains(t, ours.Push.URLs, theirs.Project.GitSSHURL)
}

func TestDeliveryID(t *testing.T) {
	t.Parallel()
	h := header("Push Hook")
	h.Set("X-Gitlab-Event-UUID", "1")
	a, b := deliveryID(h, []byte("a")), deliveryID(h, []byte("b"))
	require.NotEqual(t, a, b, "events of one hook's consequence share the id")
	require.Equal(t, a, deliveryID(h, []byte("a")))
	h.Set("Idempotency-Key", "k")
	require.Equal(t, "k", deliveryID(h, []byte("a")))
	h.Set("webhook-id", "w")
	require.Equal(t, "w", deliveryID(h, []byte("a")))
}

func FuzzParse(f *testing.F) {
	f.Add("Push Hook", []byte(`{"ref":"refs/heads/main","after":"0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c","project":{"git_http_url":"https://x.test/a"}}`))
	f.Add("Tag Push Hook", []byte(`{}`))
	f.Add("Push Hook", []byte(`{"commits":[null]}`))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		d, err := Parse(header(event), body)
		if err == nil && d.Push != nil {
			require.True(t, forge.SHA(d.Push.Commit.SHA))
			require.NotEmpty(t, d.Push.URLs)
		}
	})
}

func FuzzVerify(f *testing.F) {
	f.Add("msg_1", "1", "v1,AA==")
	f.Add("", "x", "v1")
	f.Fuzz(func(t *testing.T, id, timestamp, signature string) {
		h := http.Header{}
		h.Set("webhook-id", id)
		h.Set("webhook-timestamp", timestamp)
		h.Set("webhook-signature", signature)
		require.Error(t, Verify(secret, h, []byte("{}")))
	})
}
