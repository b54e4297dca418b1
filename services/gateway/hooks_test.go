// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/auth"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/gateway"
)

// published returns a payload that ships with github.com/go-playground/webhooks.
func published(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-playground/webhooks/v6").Output()
	require.NoError(t, err)
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "testdata", name))
	require.NoError(t, err)
	return data
}

type hook struct{ ID, URL, Secret, Provider string }

func (b *bundle) webhook(project, provider string) hook {
	b.t.Helper()
	var h hook
	a := b.call(http.MethodPost, "/projects/"+project+"/webhooks", map[string]any{"provider": provider})
	require.Equal(b.t, http.StatusCreated, a.status, string(a.body))
	a.into(&h)
	require.Equal(b.t, b.url+"/hooks/"+project+"/"+h.ID, h.URL)
	return h
}

func (b *bundle) deliver(h hook, header http.Header, body []byte) answer {
	b.t.Helper()
	return b.send(http.MethodPost, strings.TrimPrefix(h.URL, b.url), "", header, body)
}

// headers are canonical, as http.Header.Set makes them.
func headers(pairs ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func githubHeaders(secret, event, delivery string, body []byte) http.Header {
	return headers("X-GitHub-Event", event, "X-GitHub-Delivery", delivery, "X-Hub-Signature-256", "sha256="+auth.SignHMAC(secret, body))
}

// push is a push as GitHub sends it, reduced to what it is recognised by.
func push(repository, ref, sha string) []byte {
	return fmt.Appendf(nil, `{"ref":%q,"after":%q,"deleted":%v,"head_commit":{"id":%q,"message":"fix the till\n\nlong story","timestamp":"2026-05-04T15:00:00+02:00","author":{"name":"Ada"}},"repository":{"clone_url":%q,"html_url":"https://example.com/x"}}`,
		ref, sha, strings.Trim(sha, "0") == "", sha, repository)
}

const sha = "0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c"

func (b *bundle) rawMessages() uint64 {
	b.t.Helper()
	stream, err := b.js.Stream(b.ctx, bus.StreamRaw)
	require.NoError(b.t, err)
	info, err := stream.Info(b.ctx)
	require.NoError(b.t, err)
	return info.State.Msgs
}

// Published payloads of three forges, signed as they sign, become one change
// each.
func TestPublishedPushBecomesAChange(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		provider, file, repository, branch string
		header                             func(h hook, body []byte) http.Header
		want                               events.Commit
	}{
		"GitHub": {"github", "github/push.json", "git@github.com:binkkatal/sample_app.git", "master",
			func(h hook, body []byte) http.Header { return githubHeaders(h.Secret, "push", "72d3162e", body) },
			events.Commit{SHA: "fd489864e7642b48eaad6e3f155c10e46810ec72"}},
		"GitLabToken": {"gitlab", "gitlab/push-event.json", "http://example.com/mike/diaspora", "master",
			func(h hook, _ []byte) http.Header {
				return headers("X-Gitlab-Event", "Push Hook", "X-Gitlab-Token", h.Secret, "X-Gitlab-Event-UUID", "1")
			},
			events.Commit{SHA: "da1560886d4f094c3e6c9ef40349f7d38b5d27d7", Message: "fixed readme", Author: "GitLab dev user"}},
		"GitLabSignature": {"gitlab", "gitlab/push-event.json", "ssh://git@example.com:2222/mike/diaspora.git", "master",
			func(h hook, body []byte) http.Header {
				key, err := standardwebhooks.NewWebhook(h.Secret)
				require.NoError(t, err)
				now := time.Now()
				signature, err := key.Sign("msg_1", now, body)
				require.NoError(t, err)
				return headers("X-Gitlab-Event", "Push Hook", "webhook-id", "msg_1", "webhook-timestamp", fmt.Sprint(now.Unix()), "webhook-signature", signature)
			},
			events.Commit{SHA: "da1560886d4f094c3e6c9ef40349f7d38b5d27d7", Message: "fixed readme", Author: "GitLab dev user"}},
		"Gitea": {"gitea", "gitea/push-event.json", "http://LOCALHOST:3000/example/example/", "master",
			func(h hook, body []byte) http.Header {
				return headers("X-Gitea-Event", "push", "X-Gitea-Delivery", "f6266f16", "X-Gitea-Signature", auth.SignHMAC(h.Secret, body),
					"X-GitHub-Event", "push", "X-GitHub-Delivery", "f6266f16") // Gitea sends these too
			},
			events.Commit{SHA: "67b56589a45103f891bdee7c0546e5d40bc02001", Message: "example", Author: "example"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.project("acme")
			b.project("other")
			b.app("acme", "shop", tc.repository, tc.branch)
			b.app("acme", "elsewhere", "https://github.com/acme/elsewhere.git", tc.branch)
			b.app("acme", "branch", tc.repository, "develop")
			b.app("other", "theirs", tc.repository, tc.branch)
			h := b.webhook("acme", tc.provider)
			body := published(t, tc.file)
			header := tc.header(h, body)

			a := b.deliver(h, header, body)
			require.Equal(t, http.StatusAccepted, a.status, string(a.body))
			var receipt gateway.Receipt
			a.into(&receipt)
			require.Equal(t, []string{"shop"}, receipt.Apps)

			changes := b.events("change.merged")
			require.Len(t, changes, 1)
			require.Equal(t, "acme", changes[0].Project)
			require.Equal(t, "shop", changes[0].App)
			got := decode[events.ChangeMerged](t, changes[0])
			require.Equal(t, tc.provider, got.Provider)
			require.Equal(t, tc.want.SHA, got.ChangeID)
			require.Equal(t, tc.want.SHA, got.Commit.SHA)
			require.Equal(t, tc.branch, got.Commit.Branch)
			require.Equal(t, tc.repository, got.Commit.Repository, "what the app says is cloned")
			if tc.want.Message != "" {
				require.Equal(t, tc.want.Message, got.Commit.Message)
				require.Equal(t, tc.want.Author, got.Commit.Author)
				require.False(t, got.Commit.Time.IsZero())
			}
			require.EqualValues(t, 1, b.rawMessages())

			// Delivered again: the same answer's substance, nothing new.
			a = b.deliver(h, header, body)
			require.Equal(t, http.StatusOK, a.status, string(a.body))
			a.into(&receipt)
			require.Equal(t, "duplicate", receipt.Status)
			require.Equal(t, []string{"shop"}, receipt.Apps)
			require.Len(t, b.events("change.merged"), 1)
			require.EqualValues(t, 1, b.rawMessages())
		})
	}
}

func TestRawDeliveryIsKeptWithoutSecrets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	h := b.webhook("acme", "gitlab")
	body := published(t, "gitlab/push-event.json")
	header := headers("X-Gitlab-Event", "Push Hook", "X-Gitlab-Token", h.Secret, "X-Gitlab-Instance", "https://git.example.com", "Authorization", "Basic c2VjcmV0", "Cookie", "session=1")
	require.Equal(t, http.StatusAccepted, b.deliver(h, header, body).status)
	stream, err := b.js.Stream(b.ctx, bus.StreamRaw)
	require.NoError(t, err)
	msg, err := stream.GetMsg(b.ctx, 1)
	require.NoError(t, err)
	require.Equal(t, "raw.acme.gitlab."+h.ID, msg.Subject)
	require.Equal(t, body, msg.Data)
	require.Equal(t, "https://git.example.com", msg.Header.Get("Http-X-Gitlab-Instance"))
	kept := fmt.Sprint(msg.Header)
	for _, secret := range []string{h.Secret, "c2VjcmV0", "session=1"} {
		require.NotContains(t, kept, secret)
	}
}

func TestLargeDeliveryGoesThroughTheObjectStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.app("acme", "shop", "https://github.com/acme/shop", "")
	h := b.webhook("acme", "github")
	body := push("https://github.com/acme/shop.git", "refs/heads/main", sha)
	body = append(bytes.TrimSuffix(body, []byte("}")), fmt.Appendf(nil, `,"padding":%q}`, strings.Repeat("x", 2<<20))...)
	a := b.deliver(h, githubHeaders(h.Secret, "push", "large", body), body)
	require.Equal(t, http.StatusAccepted, a.status, string(a.body))
	require.Len(t, b.events("change.merged"), 1)
	stream, err := b.js.Stream(b.ctx, bus.StreamRaw)
	require.NoError(t, err)
	msg, err := stream.GetMsg(b.ctx, 1)
	require.NoError(t, err)
	require.Empty(t, msg.Data)
	name, ok := strings.CutPrefix(msg.Header.Get("Hydra-Dataref"), "nats-object://raw/")
	require.True(t, ok)
	objects, err := b.js.ObjectStore(b.ctx, "raw")
	require.NoError(t, err)
	kept, err := objects.GetBytes(b.ctx, name)
	require.NoError(t, err)
	require.Equal(t, body, kept)
}

// What nobody may deliver: the right answer, nothing stored, and counted.
func TestDeliveriesThatAreRefused(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	b := setup(t, func(c *gateway.Config, _ *service.Deps) { c.HookLimit = limit })
	b.project("acme")
	b.app("acme", "shop", "https://github.com/acme/shop", "main")
	hooks := map[string]hook{}
	for _, p := range []string{"github", "gitlab", "gitea"} {
		hooks[p] = b.webhook("acme", p)
	}
	body := push("https://github.com/acme/shop", "refs/heads/main", sha)
	large := append(bytes.TrimSuffix(body, []byte("}")), fmt.Appendf(nil, `,"padding":%q}`, strings.Repeat("x", limit))...)
	hub := func(signature string) http.Header {
		h := headers("X-GitHub-Event", "push", "X-GitHub-Delivery", "d1")
		if signature != "" {
			h.Set("X-Hub-Signature-256", signature)
		}
		return h
	}
	secret := hooks["github"].Secret
	good := auth.SignHMAC(secret, body)
	standard := func(at time.Time, key string) http.Header {
		w, err := standardwebhooks.NewWebhook(key)
		require.NoError(t, err)
		signature, err := w.Sign("m1", at, body)
		require.NoError(t, err)
		return headers("X-Gitlab-Event", "Push Hook", "webhook-id", "m1", "webhook-timestamp", fmt.Sprint(at.Unix()), "webhook-signature", signature)
	}
	other := b.webhook("acme", "gitlab").Secret
	withToken := standard(time.Now(), other)
	withToken.Set("X-Gitlab-Token", hooks["gitlab"].Secret)

	for name, tc := range map[string]struct {
		provider string
		path     string
		header   http.Header
		body     []byte
		status   int
		reason   string
	}{
		"GitHubMissing":        {"github", "", hub(""), body, 401, "signature_missing"},
		"GitHubOnlySHA1":       {"github", "", headers("X-GitHub-Event", "push", "X-Hub-Signature", "sha1=5b4ad3b7b1a3e0d6a5bd42e7f5a59de2d9f1ab5c"), body, 401, "signature_missing"},
		"GitHubShort":          {"github", "", hub("sha256=" + good[:10]), body, 401, "signature_malformed"},
		"GitHubTiny":           {"github", "", hub("s"), body, 401, "signature_malformed"},
		"GitHubNoPrefix":       {"github", "", hub(good), body, 401, "signature_malformed"},
		"GitHubLong":           {"github", "", hub("sha256=" + good + "00"), body, 401, "signature_malformed"},
		"GitHubNotHex":         {"github", "", hub("sha256=" + strings.Repeat("z", 64)), body, 401, "signature_wrong"},
		"GitHubOtherSecret":    {"github", "", hub("sha256=" + auth.SignHMAC("another secret", body)), body, 401, "signature_wrong"},
		"GitHubEmptySecret":    {"github", "", hub("sha256=" + auth.SignHMAC("", body)), body, 401, "signature_wrong"},
		"GitHubOtherBody":      {"github", "", hub("sha256=" + good), append([]byte(" "), body...), 401, "signature_wrong"},
		"GitHubTooLarge":       {"github", "", hub("sha256=" + auth.SignHMAC(secret, large)), large, 413, "too_large"},
		"GitHubEmptyBody":      {"github", "", hub("sha256=" + auth.SignHMAC(secret, nil)), nil, 400, "empty"},
		"GitHubNotJSON":        {"github", "", hub("sha256=" + auth.SignHMAC(secret, []byte("{"))), []byte("{"), 400, "malformed"},
		"GitHubNoDelivery":     {"github", "", headers("X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256="+good), body, 400, "malformed"},
		"OtherForgesDelivery":  {"github", "", headers("X-Gitlab-Event", "Push Hook", "X-Hub-Signature-256", "sha256="+good), body, 400, "malformed"},
		"GitHubBadCommit":      {"github", "", githubHeaders(secret, "push", "d", push("https://x.test/a", "refs/heads/main", "zz")), push("https://x.test/a", "refs/heads/main", "zz"), 400, "malformed"},
		"GitLabMissing":        {"gitlab", "", headers("X-Gitlab-Event", "Push Hook"), body, 401, "signature_missing"},
		"GitLabWrongToken":     {"gitlab", "", headers("X-Gitlab-Event", "Push Hook", "X-Gitlab-Token", "guess"), body, 401, "signature_wrong"},
		"GitLabOtherKey":       {"gitlab", "", standard(time.Now(), other), body, 401, "signature_wrong"},
		"GitLabNoFallBack":     {"gitlab", "", withToken, body, 401, "signature_wrong"},
		"GitLabOld":            {"gitlab", "", standard(time.Now().Add(-time.Hour), hooks["gitlab"].Secret), body, 401, "signature_expired"},
		"GitLabFuture":         {"gitlab", "", standard(time.Now().Add(time.Hour), hooks["gitlab"].Secret), body, 401, "signature_expired"},
		"GiteaMissing":         {"gitea", "", headers("X-Gitea-Event", "push", "X-Gitea-Delivery", "d"), body, 401, "signature_missing"},
		"GiteaShort":           {"gitea", "", headers("X-Gitea-Event", "push", "X-Gitea-Delivery", "d", "X-Gitea-Signature", "00"), body, 401, "signature_malformed"},
		"GiteaWrong":           {"gitea", "", headers("X-Gitea-Event", "push", "X-Gitea-Delivery", "d", "X-Gitea-Signature", good), body, 401, "signature_wrong"},
		"GiteaEmptyHub":        {"gitea", "", headers("X-Gitea-Event", "push", "X-Gitea-Delivery", "d", "X-Hub-Signature-256", "sha256="), body, 401, "signature_malformed"},
		"UnknownWebhook":       {"unknown", "/hooks/acme/wnobody", hub("sha256=" + good), body, 404, "unknown_webhook"},
		"UnknownProject":       {"unknown", "/hooks/nobody/" + hooks["github"].ID, hub("sha256=" + good), body, 404, "unknown_webhook"},
		"FilterForAnId":        {"unknown", "/hooks/acme/*", hub("sha256=" + good), body, 404, "unknown_webhook"},
		"WildcardForAProject":  {"unknown", "/hooks/%3E/" + hooks["github"].ID, hub("sha256=" + good), body, 404, "unknown_webhook"},
		"GitHubSignedForOther": {"gitea", "", hub("sha256=" + good), body, 401, "signature_wrong"},
	} {
		before := b.counted("hydra_gateway_webhook_rejected_total", "provider="+tc.provider, "reason="+tc.reason)
		path := tc.path
		if path == "" {
			path = strings.TrimPrefix(hooks[tc.provider].URL, b.url)
		}
		a := b.send(http.MethodPost, path, "", tc.header, tc.body)
		require.Equal(t, tc.status, a.status, "%s: %s", name, a.body)
		p := a.problem(tc.status)
		require.NotEmpty(t, p.Detail, name)
		for _, h := range hooks {
			require.NotContains(t, string(a.body), h.Secret)
		}
		require.Equal(t, before+1, b.counted("hydra_gateway_webhook_rejected_total", "provider="+tc.provider, "reason="+tc.reason), name)
	}
	require.Zero(t, b.rawMessages())
	require.Empty(t, b.events("change.merged"))
}

func TestDeliveriesThatAreIgnored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.app("acme", "shop", "https://github.com/acme/shop", "main")
	h := b.webhook("acme", "github")
	zero := strings.Repeat("0", 40)
	for name, tc := range map[string]struct {
		event  string
		body   []byte
		status int
		state  string
		reason string
	}{
		"Ping":        {"ping", []byte(`{"zen":"Keep it logically awesome."}`), 200, "pong", ""},
		"Tag":         {"push", push("https://github.com/acme/shop", "refs/tags/v1", sha), 202, "ignored", "a tag was pushed"},
		"Deletion":    {"push", push("https://github.com/acme/shop", "refs/heads/main", zero), 202, "ignored", "was deleted"},
		"OtherBranch": {"push", push("https://github.com/acme/shop", "refs/heads/topic", sha), 202, "ignored", "no app of project acme is built from branch topic"},
		"OtherRepo":   {"push", push("https://github.com/acme/till", "refs/heads/main", sha), 202, "ignored", "no app"},
		"OtherCase":   {"push", push("https://github.com/Acme/shop", "refs/heads/main", sha), 202, "ignored", "no app"},
		"OtherEvent":  {"issues", []byte(`{"action":"opened"}`), 202, "ignored", `event "issues" is not used`},
	} {
		a := b.deliver(h, githubHeaders(h.Secret, tc.event, name, tc.body), tc.body)
		require.Equal(t, tc.status, a.status, "%s: %s", name, a.body)
		var receipt gateway.Receipt
		a.into(&receipt)
		require.Equal(t, tc.state, receipt.Status, name)
		require.Contains(t, receipt.Reason, tc.reason, name)
		require.Empty(t, receipt.Apps, name)
	}
	require.Empty(t, b.events("change.merged"))
}

// The event was stored, but the gateway died before it remembered: the forge
// delivers again and there is still one event.
func TestDeliveryAfterACrashBeforeItWasRemembered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.app("acme", "shop", "https://github.com/acme/shop", "main")
	b.app("acme", "till", "https://github.com/acme/shop", "main")
	h := b.webhook("acme", "github")
	body := push("https://github.com/acme/shop", "refs/heads/main", sha)
	header := githubHeaders(h.Secret, "push", "d1", body)
	require.Equal(t, http.StatusAccepted, b.deliver(h, header, body).status)
	require.Len(t, b.events("change.merged"), 2)
	require.NoError(t, b.js.DeleteKeyValue(b.ctx, "deliveries"))
	_, err := b.js.CreateKeyValue(b.ctx, jetstream.KeyValueConfig{Bucket: "deliveries"})
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, b.deliver(h, header, body).status)
	require.Len(t, b.events("change.merged"), 2)
	require.EqualValues(t, 1, b.rawMessages())
	require.Equal(t, http.StatusOK, b.deliver(h, header, body).status)
}

func TestSameDeliveryAtOnceIsOneChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.app("acme", "shop", "https://github.com/acme/shop", "main")
	h := b.webhook("acme", "github")
	body := push("https://github.com/acme/shop", "refs/heads/main", sha)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r, err := http.NewRequest(http.MethodPost, h.URL, bytes.NewReader(body))
			if err != nil {
				panic(err)
			}
			r.Header = githubHeaders(h.Secret, "push", "d1", body)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				panic(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusAccepted && res.StatusCode != http.StatusOK {
				panic(res.Status)
			}
		})
	}
	wg.Wait()
	require.Len(t, b.events("change.merged"), 1)
	require.EqualValues(t, 1, b.rawMessages())
}

func TestWebhookIsShownOnceAndDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	h := b.webhook("acme", "gitlab")
	require.True(t, strings.HasPrefix(h.Secret, "whsec_"), "serves as token and as signing key")
	listed := b.call(http.MethodGet, "/projects/acme/webhooks", nil)
	require.Contains(t, string(listed.body), h.URL)
	require.NotContains(t, string(listed.body), h.Secret)
	for _, e := range b.events("webhook.created") {
		data, err := json.Marshal(e.Event)
		require.NoError(t, err)
		require.NotContains(t, string(data), h.Secret)
	}
	require.Equal(t, http.StatusNoContent, b.call(http.MethodDelete, "/projects/acme/webhooks/"+h.ID, nil).status)
	require.Equal(t, h.ID, decode[events.WebhookDeleted](t, b.events("webhook.deleted")[0]).ID)
	b.call(http.MethodDelete, "/projects/acme/webhooks/"+h.ID, nil).problem(http.StatusNotFound)
	b.deliver(h, headers("X-Gitlab-Token", h.Secret, "X-Gitlab-Event", "Push Hook"), []byte("{}")).problem(http.StatusNotFound)

	p := b.call(http.MethodPost, "/projects/acme/webhooks", map[string]any{"provider": "subversion"}).problem(http.StatusUnprocessableEntity)
	require.Equal(t, "body.provider", p.Errors[0].Location)
	b.call(http.MethodPost, "/projects/acme/webhooks", map[string]any{"provider": "github", "secret": "short"}).problem(http.StatusUnprocessableEntity)
}

func TestPublicURLIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *gateway.Config, _ *service.Deps) { c.PublicURL = "https://hydra.example.com/" })
	b.project("acme")
	var h hook
	b.call(http.MethodPost, "/projects/acme/webhooks", map[string]any{"provider": "github"}).into(&h)
	require.Equal(t, "https://hydra.example.com/hooks/acme/"+h.ID, h.URL)
}
