// SPDX-License-Identifier: Apache-2.0

package github

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

	peer "github.com/go-playground/webhooks/v6/github"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/libs/auth"
	"github.com/hydra-platform/hydra/services/gateway/forge"
)

// testdata is the folder of payloads that ship with the peer.
func testdata(t testing.TB) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-playground/webhooks/v6").Output()
	require.NoError(t, err)
	return filepath.Join(strings.TrimSpace(string(dir)), "testdata", "github")
}

func header(event string) http.Header {
	h := http.Header{}
	h.Set("X-GitHub-Event", event)
	h.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	return h
}

// The value that GitHub's documentation gives for testing.
func TestVerifyPublishedVector(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	h.Set("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
	require.NoError(t, Verify("It's a Secret to Everybody", h, []byte("Hello, World!")))
	require.ErrorIs(t, Verify("It's a Secret to Everybody", h, []byte("Hello, World?")), forge.ErrWrong)
	require.ErrorIs(t, Verify("", h, []byte("Hello, World!")), forge.ErrWrong)
}

// Every published payload is read without an error, and only a push is more
// than ignored. The peer's own parser must take what we verify.
func TestParsePublishedPayloads(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(testdata(t), "*.json"))
	require.NoError(t, err)
	require.Greater(t, len(files), 40)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		event := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".json"), "-", "_")
		d, err := Parse(header(event), body)
		require.NoError(t, err, file)
		require.Equal(t, event == "push", d.Push != nil, file)
		require.Equal(t, event == "ping", d.Ping, file)
		if d.Push == nil && !d.Ping {
			require.NotEmpty(t, d.Ignored, file)
		}
	}
}

func TestParseAgreesWithThePeer(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join(testdata(t), "push.json"))
	require.NoError(t, err)
	const secret = "a secret of sixteen"
	h := header("push")
	h.Set("X-Hub-Signature-256", "sha256="+auth.SignHMAC(secret, body))
	require.NoError(t, Verify(secret, h, body))
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
	require.Contains(t, ours.Push.URLs, theirs.Repository.CloneURL)
	require.Contains(t, ours.Push.URLs, theirs.Repository.SSHURL)
	require.Equal(t, theirs.HeadCommit.Author.Name, ours.Push.Commit.Author)
	require.Equal(t, forge.FirstLine(theirs.HeadCommit.Message), ours.Push.Commit.Message)
}

func TestParseForm(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join(testdata(t), "push.json"))
	require.NoError(t, err)
	h := header("push")
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	d, err := Parse(h, []byte(url.Values{"payload": {string(body)}}.Encode()))
	require.NoError(t, err)
	require.NotNil(t, d.Push)
	_, err = Parse(h, body)
	require.ErrorContains(t, err, "application/json")
}

func FuzzParse(f *testing.F) {
	f.Add("push", "application/json", []byte(`{"ref":"refs/heads/main","after":"0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c","repository":{"clone_url":"https://x.test/a"}}`))
	f.Add("push", "application/x-www-form-urlencoded", []byte("payload=%7B%7D"))
	f.Add("ping", "", []byte(`{}`))
	f.Add("push", "", []byte(`{"ref":null,"after":"00","head_commit":null}`))
	f.Fuzz(func(t *testing.T, event, media string, body []byte) {
		h := header(event)
		h.Set("Content-Type", media)
		d, err := Parse(h, body)
		if err == nil && d.Push != nil {
			require.True(t, forge.SHA(d.Push.Commit.SHA))
			require.NotEmpty(t, d.Push.Branch)
			require.NotEmpty(t, d.Push.URLs)
		}
	})
}

func FuzzVerify(f *testing.F) {
	f.Add("sha256=", []byte("x"))
	f.Add("sha256=00", []byte(""))
	f.Add("s", []byte("x"))
	f.Fuzz(func(t *testing.T, signature string, body []byte) {
		h := http.Header{}
		h.Set("X-Hub-Signature-256", signature)
		if Verify("the secret", h, body) == nil {
			require.Equal(t, "sha256="+auth.SignHMAC("the secret", body), strings.ToLower(signature))
		}
	})
}
