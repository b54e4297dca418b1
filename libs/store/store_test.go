// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/natsd/natsdtest"
	"github.com/hydra-platform/hydra/libs/store"
)

type thing struct {
	Count int    `json:"count"`
	Name  string `json:"name,omitempty"`
}

func open(t *testing.T) (jetstream.JetStream, *store.Bucket[thing]) {
	t.Helper()
	_, nc := natsdtest.Start(t)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	require.NoError(t, bus.Ensure(t.Context(), js, 1))
	b, err := store.Open[thing](t.Context(), js, "things")
	require.NoError(t, err)
	return js, b
}

func TestBucketKeepsValues(t *testing.T) {
	t.Parallel()
	_, b := open(t)
	ctx := t.Context()
	_, err := b.Get(ctx, "acme.shop")
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, b.Create(ctx, "acme.shop", thing{Count: 1}))
	require.ErrorIs(t, b.Create(ctx, "acme.shop", thing{Count: 2}), store.ErrExists)
	require.NoError(t, b.Put(ctx, "acme.blog", thing{Count: 3}))
	require.NoError(t, b.Put(ctx, "other.shop", thing{Count: 4}))

	got, err := b.Get(ctx, "acme.shop")
	require.NoError(t, err)
	require.Equal(t, thing{Count: 1}, got)
	list, err := b.List(ctx, "acme")
	require.NoError(t, err)
	require.Equal(t, []store.Entry[thing]{{Key: "acme.blog", Value: thing{Count: 3}}, {Key: "acme.shop", Value: thing{Count: 1}}}, list)

	require.NoError(t, b.Delete(ctx, "acme.shop"))
	require.NoError(t, b.Delete(ctx, "acme.shop"), "deleting twice is no error")
	require.NoError(t, b.Create(ctx, "acme.shop", thing{Count: 5}), "a deleted key can be created")
	all, err := b.List(ctx)
	require.NoError(t, err)
	require.Len(t, all, 3)
}

func TestUpdateLosesNoConcurrentChange(t *testing.T) {
	t.Parallel()
	_, b := open(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				_, err := b.Update(t.Context(), "acme.shop", func(v *thing, _ bool) error { v.Count++; return nil })
				require.NoError(t, err)
			}
		})
	}
	wg.Wait()
	got, err := b.Get(t.Context(), "acme.shop")
	require.NoError(t, err)
	require.Equal(t, 80, got.Count)

	refused := errors.New("refused")
	_, err = b.Update(t.Context(), "acme.shop", func(v *thing, exists bool) error { require.True(t, exists); v.Count = 0; return refused })
	require.ErrorIs(t, err, refused)
	got, _ = b.Get(t.Context(), "acme.shop")
	require.Equal(t, 80, got.Count)
}

func TestWatchShowsWhatIsThereAndEachChange(t *testing.T) {
	t.Parallel()
	_, b := open(t)
	require.NoError(t, b.Put(t.Context(), "acme.a", thing{Count: 1}))
	ctx, cancel := context.WithCancel(t.Context())
	changes, ended := make(chan store.Change[thing], 8), make(chan error, 1)
	go func() {
		ended <- b.Watch(ctx, func(c store.Change[thing]) error { changes <- c; return nil }, "acme")
	}()
	require.Equal(t, store.Change[thing]{Key: "acme.a", Value: thing{Count: 1}}, next(t, changes))
	require.NoError(t, b.Put(t.Context(), "other.b", thing{Count: 9}))
	require.NoError(t, b.Put(t.Context(), "acme.b", thing{Count: 2}))
	require.Equal(t, store.Change[thing]{Key: "acme.b", Value: thing{Count: 2}}, next(t, changes))
	require.NoError(t, b.Delete(t.Context(), "acme.a"))
	require.Equal(t, store.Change[thing]{Key: "acme.a", Deleted: true}, next(t, changes))
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func next(t *testing.T, c <-chan store.Change[thing]) store.Change[thing] {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(5 * time.Second):
		t.Fatal("no change within 5 s")
		return store.Change[thing]{}
	}
}

func TestLogIsFollowedWhileItIsWritten(t *testing.T) {
	t.Parallel()
	js, _ := open(t)
	const subject, secret = "log.acme.shop.build.b1", "s3cr3t-token"
	w := store.NewLog(t.Context(), js, subject, secret)
	w.Printf("first")

	lines, ended := make(chan string, 10), make(chan error, 1)
	go func() {
		ended <- store.ReadLog(t.Context(), js, subject, true, func(l store.LogLine) error { lines <- l.Text; return nil })
	}()
	require.Equal(t, "first", <-lines)
	_, err := w.Write([]byte("half a "))
	require.NoError(t, err)
	_, err = w.Write([]byte("line with " + secret + "\r\nlast"))
	require.NoError(t, err)
	require.Equal(t, "half a line with ***", <-lines)
	require.NoError(t, w.Close())
	require.Equal(t, "last", <-lines)
	require.NoError(t, <-ended, "the end of the log ends its readers")

	var again []string
	require.NoError(t, store.ReadLog(t.Context(), js, subject, false, func(l store.LogLine) error { again = append(again, l.Text); return nil }))
	require.Equal(t, []string{"first", "half a line with ***", "last"}, again)
	require.NoError(t, store.ReadLog(t.Context(), js, "log.acme.shop.build.none", false, func(store.LogLine) error { return errors.New("a line of another log") }))
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	js, _ := open(t)
	w := store.NewLog(t.Context(), js, "log.acme.shop.build.big")
	_, err := w.Write([]byte(strings.Repeat("x", 40_000)))
	require.NoError(t, err)
	line := strings.Repeat("y", 16_000) + "\n"
	for range 1100 {
		_, err := w.Write([]byte(line))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	var n, longest int
	var last string
	require.NoError(t, store.ReadLog(t.Context(), js, "log.acme.shop.build.big", false, func(l store.LogLine) error {
		n, longest, last = n+1, max(longest, len(l.Text)), l.Text
		return nil
	}))
	require.LessOrEqual(t, longest, 16<<10)
	require.Less(t, n, 1100)
	require.Contains(t, last, "the rest is dropped", fmt.Sprint(n))
}
