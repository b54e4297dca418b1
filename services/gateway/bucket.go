// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hydra-platform/hydra/libs/store"
)

// bucket opens a KV bucket when it is first needed, because New may not reach
// for the network.
type bucket[T any] struct {
	open func(context.Context) (*store.Bucket[T], error)

	mu     sync.Mutex
	opened *store.Bucket[T] // guarded by mu
}

func opener[T any](s *Service, name string) func(context.Context) (*store.Bucket[T], error) {
	return func(ctx context.Context) (*store.Bucket[T], error) { return store.Open[T](ctx, s.js(), name) }
}

func (b *bucket[T]) get(ctx context.Context) (*store.Bucket[T], error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.opened == nil {
		opened, err := b.open(ctx)
		if err != nil {
			return nil, err
		}
		b.opened = opened
	}
	return b.opened, nil
}

// value reads one key.
func (b *bucket[T]) value(ctx context.Context, key string) (v T, err error) {
	kv, err := b.get(ctx)
	if err != nil {
		return v, err
	}
	return kv.Get(ctx, key)
}

// lookup is value where a missing key is no error.
func (b *bucket[T]) lookup(ctx context.Context, key string) (T, bool, error) {
	v, err := b.value(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return v, false, nil
	}
	return v, err == nil, err
}

// values lists what is below prefix, in the order of the keys.
func (b *bucket[T]) values(ctx context.Context, prefix ...string) ([]T, error) {
	kv, err := b.get(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := kv.List(ctx, prefix...)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(entries))
	for i, e := range entries {
		out[i] = e.Value
	}
	return out, nil
}

func (b *bucket[T]) remove(ctx context.Context, key string) error {
	kv, err := b.get(ctx)
	if err != nil {
		return err
	}
	return kv.Delete(ctx, key)
}

// await polls key until done is true or the time is up, and returns what was
// there last. The owner of the bucket answers within milliseconds when it
// runs, so that a watch would cost more than it saves.
func (b *bucket[T]) await(ctx context.Context, key string, limit time.Duration, done func(v T, exists bool) bool) (v T, ok bool, err error) {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	slowest := 200 * time.Millisecond
	if limit > time.Minute { // somebody follows a log, nobody waits for an answer
		slowest = time.Second
	}
	for pause := 10 * time.Millisecond; ; pause = min(pause*2, slowest) {
		var exists bool
		if v, exists, err = b.lookup(ctx, key); err != nil {
			return v, false, err
		}
		if done(v, exists) {
			return v, true, nil
		}
		select {
		case <-ctx.Done():
			return v, false, ctx.Err()
		case <-deadline.C:
			return v, false, nil
		case <-time.After(pause):
		}
	}
}

// findKey returns the one key that matches a pattern such as "acme.*.b1f".
func findKey(ctx context.Context, js jetstream.JetStream, name, pattern string) (string, error) {
	kv, err := js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return "", store.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("open bucket %s: %w", name, err)
	}
	keys, err := kv.ListKeysFiltered(ctx, pattern)
	if err != nil {
		return "", fmt.Errorf("list %s %s: %w", name, pattern, err)
	}
	defer func() { _ = keys.Stop() }()
	for key := range keys.Keys() {
		return key, nil
	}
	return "", store.ErrNotFound
}
