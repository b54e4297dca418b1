// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/gateway"
)

type eventPage struct {
	Items []struct {
		ID, Type, App, Sequence string
	}
	Next string
}

// fill stores n measurements of an app, with a build in between each.
func (b *bundle) fill(project string, n int) {
	b.t.Helper()
	for i := range n {
		app := []string{"shop", "till"}[i%2]
		require.NoError(b.t, b.bus.Emit(b.ctx, events.BuildRequested{Name: app, SHA: fmt.Sprintf("%07d", i)}, bus.For(project, app)))
	}
}

func TestEventsAreQueried(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	b.project("other")
	b.fill("acme", 10)
	b.fill("other", 3)

	var all eventPage
	b.get("/projects/acme/events?type=build.requested", &all)
	require.Len(t, all.Items, 10)
	require.Len(t, all.Items[0].Sequence, 20)
	require.Empty(t, all.Next)

	// Pages meet without a gap or a repetition.
	var first, second eventPage
	b.get("/projects/acme/events?type=build.requested&limit=6", &first)
	require.Len(t, first.Items, 6)
	b.get("/projects/acme/events?type=build.requested&limit=6&from="+first.Next, &second)
	require.Equal(t, all.Items, append(first.Items, second.Items...))
	require.Empty(t, second.Next)

	var newest eventPage
	b.get("/projects/acme/events?type=build&order=desc&limit=2", &newest)
	require.Equal(t, all.Items[9], newest.Items[0])
	require.Equal(t, all.Items[8], newest.Items[1])

	for query, want := range map[string]int{
		"app=shop":                             5,
		"app=shop&type=build.requested":        5,
		"app=_":                                1, // project.created
		"type=build.requested,project.created": 11,
		"type=dev.cdeventsx.hydra-build.requested.0.1.0": 10,
		"type=build.*":                   10,
		"type=com.example.nothing":       0,
		"correlation=" + all.Items[3].ID: 1,
		"since=1h":                       11,
		"until=1h":                       0,
		"since=2020-01-01T00:00:00Z&until=2021-01-01T00:00:00Z": 0,
		"order=desc&since=1h&app=shop":                          5,
		"type=change,build,rollout,service,incident":            10,
	} {
		var page eventPage
		b.get("/projects/acme/events?"+query, &page)
		require.Len(t, page.Items, want, query)
	}
	for _, query := range []string{"type=nonsense", "since=yesterday", "limit=5000", "order=up", "app=a.%3E", "from=-1", "until=-5m"} {
		b.call(http.MethodGet, "/projects/acme/events?"+query, nil).problem(http.StatusUnprocessableEntity)
	}
	b.call(http.MethodGet, "/projects/nobody/events", nil).problem(http.StatusNotFound)
}

// A window that grows towards the beginning finds what is far back, and finds
// nothing twice.
func TestNewestLooksBackThroughALongHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project("acme")
	require.NoError(t, b.bus.Emit(b.ctx, events.RollbackRequested{Name: "shop"}, bus.For("acme", "shop")))
	js := b.js
	for i := range 2500 { // noise of another project, stored as fast as it goes
		_, err := js.PublishAsync(fmt.Sprintf("ev.noise.external.tick.a%d", i%7), []byte(`{"specversion":"1.0","id":"`+strconv.Itoa(i)+`","source":"/n","type":"tick","project":"noise","app":"_"}`))
		require.NoError(t, err)
	}
	<-js.PublishAsyncComplete()
	require.NoError(t, b.bus.Emit(b.ctx, events.BuildRequested{Name: "shop"}, bus.For("acme", "shop")))
	var page eventPage
	b.get("/projects/acme/events?order=desc&app=shop&limit=5", &page)
	require.Len(t, page.Items, 2)
	require.Contains(t, page.Items[0].Type, "build.requested")
	require.Contains(t, page.Items[1].Type, "rollback.requested")
}

// follower reads a stream of server-sent events.
type follower struct {
	t       *testing.T
	lines   chan string
	cancel  context.CancelFunc
	status  int
	header  http.Header
	scanned chan struct{}
}

func (b *bundle) follow(path, token string, header http.Header) *follower {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/api/v1"+path, nil)
	require.NoError(b.t, err)
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+token)
	for name, values := range header {
		r.Header[name] = values
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	require.NoError(b.t, err)
	f := &follower{t: b.t, lines: make(chan string, 1000), cancel: cancel, status: res.StatusCode, header: res.Header, scanned: make(chan struct{})}
	go func() {
		defer close(f.scanned)
		defer close(f.lines)
		defer func() { _ = res.Body.Close() }()
		s := bufio.NewScanner(res.Body)
		s.Buffer(nil, 4<<20)
		for s.Scan() {
			f.lines <- s.Text()
		}
	}()
	b.t.Cleanup(f.stop)
	return f
}

func (f *follower) stop() { f.cancel(); <-f.scanned }

type message struct{ id, event, data string }

// next returns the next message, skipping comments.
func (f *follower) next() message {
	f.t.Helper()
	var m message
	for {
		line, open := f.line()
		if !open {
			f.t.Fatalf("the stream ended after %+v", m)
		}
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "id":
			m.id = value
		case "event":
			m.event = value
		case "data":
			m.data = value
		case "":
			if m != (message{}) {
				return m
			}
		}
	}
}

func (f *follower) line() (string, bool) {
	f.t.Helper()
	select {
	case line, open := <-f.lines:
		return line, open
	case <-time.After(patience):
		f.t.Fatal("nothing came")
		return "", false
	}
}

func TestStreamResumesWithoutAGap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.project("acme")
	b.project("other")
	b.fill("acme", 2) // before anybody listens
	f := b.follow("/projects/acme/events/stream?type=build.requested", token, nil)
	require.Equal(t, http.StatusOK, f.status)
	require.Equal(t, "text/event-stream", f.header.Get("Content-Type"))
	b.fill("other", 1)
	b.fill("acme", 3)
	var got []string
	var last message
	for range 3 {
		last = f.next()
		var ev struct{ Specversion, ID, Type, Project, Sequence string }
		require.NoError(t, json.Unmarshal([]byte(last.data), &ev))
		require.Equal(t, "acme", ev.Project)
		require.Equal(t, "1.0", ev.Specversion)
		seq, err := strconv.Atoi(ev.Sequence)
		require.NoError(t, err)
		require.Equal(t, last.id, strconv.Itoa(seq))
		got = append(got, last.id)
	}
	f.stop()

	b.fill("acme", 4) // while nobody listens
	f = b.follow("/projects/acme/events/stream?type=build.requested", token, http.Header{"Last-Event-Id": {got[1]}})
	require.Equal(t, got[2], f.next().id, "the one after the last that was received")
	for range 4 {
		got = append(got, f.next().id)
	}
	b.fill("acme", 1)
	f.next()

	// from gives a place in the history, by number.
	f = b.follow("/projects/acme/events/stream?type=build.requested&from="+got[0], token, nil)
	for _, id := range got {
		require.Equal(t, id, f.next().id)
	}
	b.send(http.MethodGet, "/api/v1/projects/acme/events/stream", token, http.Header{"Last-Event-Id": {"x"}}, nil).problem(http.StatusBadRequest)
}

func TestIdleStreamSendsHeartbeats(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *gateway.Config, _ *service.Deps) {
		c.Heartbeat, c.RequestTimeout, c.Wait = 20*time.Millisecond, 100*time.Millisecond, 50*time.Millisecond
	})
	require.Eventually(t, func() bool { return b.call(http.MethodPost, "/projects", map[string]any{"name": "acme"}).status < 500 }, patience, 10*time.Millisecond)
	f := b.follow("/projects/acme/events/stream", b.admin, nil)
	beats := 0
	for beats < 15 { // longer than any request may take
		if line, open := f.line(); strings.HasPrefix(line, ":") {
			beats++
		} else {
			require.True(t, open)
		}
	}
}

func TestStreamsEndWithTheirClientAndTheService(t *testing.T) {
	b := setup(t) // not parallel: it counts goroutines
	token := b.project("acme")
	open := func() float64 { return b.counted("hydra_gateway_streams", "kind=events") }
	b.follow("/projects/acme/events/stream", token, nil).stop() // warm
	require.Eventually(t, func() bool { return open() == 0 }, patience, 10*time.Millisecond)
	runtime.GC()
	before := runtime.NumGoroutine()
	var followers []*follower
	for range 20 {
		followers = append(followers, b.follow("/projects/acme/events/stream", token, nil))
	}
	b.fill("acme", 1)
	for _, f := range followers {
		f.next()
	}
	require.Equal(t, 20.0, open())
	for _, f := range followers {
		f.stop()
	}
	require.Eventually(t, func() bool { return open() == 0 }, patience, 10*time.Millisecond)

	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+3 }, patience, 20*time.Millisecond, "goroutines are left")

	last := b.follow("/projects/acme/events/stream", token, nil)
	stopped := make(chan struct{})
	go func() { b.stop(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(patience):
		t.Fatal("an open stream keeps the service from stopping")
	}
	<-last.scanned
}
