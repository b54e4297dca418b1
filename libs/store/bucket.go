// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Errors of a [Bucket]; test with errors.Is.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
)

// A Bucket is a KV bucket whose values are JSON of type T. It is safe for
// concurrent use; writers of one key are told apart by revision.
type Bucket[T any] struct {
	name string
	kv   jetstream.KeyValue
}

// Open returns the bucket of that name and creates it where it is missing.
func Open[T any](ctx context.Context, js jetstream.JetStream, name string) (*Bucket[T], error) {
	kv, err := js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: name, History: 1})
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", name, err)
	}
	return &Bucket[T]{name: name, kv: kv}, nil
}

// Get returns the value of key, or [ErrNotFound].
func (b *Bucket[T]) Get(ctx context.Context, key string) (T, error) {
	v, _, err := b.get(ctx, key)
	return v, err
}

func (b *Bucket[T]) get(ctx context.Context, key string) (v T, revision uint64, err error) {
	entry, err := b.kv.Get(ctx, key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return v, 0, fmt.Errorf("%s %s: %w", b.name, key, ErrNotFound)
	case err != nil:
		return v, 0, fmt.Errorf("read %s %s: %w", b.name, key, err)
	}
	if err := json.Unmarshal(entry.Value(), &v); err != nil {
		return v, 0, fmt.Errorf("read %s %s: %w", b.name, key, err)
	}
	return v, entry.Revision(), nil
}

// Create stores v under a key that must not exist, or returns [ErrExists].
func (b *Bucket[T]) Create(ctx context.Context, key string, v T) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s %s: %w", b.name, key, err)
	}
	_, err = b.kv.Create(ctx, key, data)
	if errors.Is(err, jetstream.ErrKeyExists) {
		return fmt.Errorf("%s %s: %w", b.name, key, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("write %s %s: %w", b.name, key, err)
	}
	return nil
}

// Put stores v whatever was there.
func (b *Bucket[T]) Put(ctx context.Context, key string, v T) error {
	data, err := json.Marshal(v)
	if err == nil {
		_, err = b.kv.Put(ctx, key, data)
	}
	if err != nil {
		return fmt.Errorf("write %s %s: %w", b.name, key, err)
	}
	return nil
}

// Update applies change to the value of key, beginning with the zero value
// where there is none, and stores the result unless somebody else wrote in
// between, in which case it begins anew. An error of change ends it.
func (b *Bucket[T]) Update(ctx context.Context, key string, change func(v *T, exists bool) error) (T, error) {
	for {
		v, revision, err := b.get(ctx, key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return v, err
		}
		before, _ := json.Marshal(v)
		if err := change(&v, revision > 0); err != nil {
			return v, err
		}
		data, err := json.Marshal(v)
		if err != nil {
			return v, fmt.Errorf("write %s %s: %w", b.name, key, err)
		}
		switch {
		case revision == 0:
			_, err = b.kv.Create(ctx, key, data)
		case string(before) == string(data):
			return v, nil
		default:
			_, err = b.kv.Update(ctx, key, data, revision)
		}
		if err == nil {
			return v, nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) && !isWrongRevision(err) {
			return v, fmt.Errorf("write %s %s: %w", b.name, key, err)
		}
	}
}

func isWrongRevision(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// Delete removes key; it is no error that it is not there.
func (b *Bucket[T]) Delete(ctx context.Context, key string) error {
	if err := b.kv.Purge(ctx, key); err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return fmt.Errorf("delete %s %s: %w", b.name, key, err)
	}
	return nil
}

// Entry is a key with its value.
type Entry[T any] struct {
	Key   string
	Value T
}

// List returns the entries whose key begins with the given parts, in the
// order of their keys. No part lists everything.
func (b *Bucket[T]) List(ctx context.Context, prefix ...string) ([]Entry[T], error) {
	watcher, err := b.kv.WatchFiltered(ctx, []string{filter(prefix)}, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", b.name, err)
	}
	defer func() { _ = watcher.Stop() }()
	var out []Entry[T]
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case entry, open := <-watcher.Updates():
			if !open || entry == nil { // nil marks the end of what is stored
				slices.SortFunc(out, func(a, b Entry[T]) int { return strings.Compare(a.Key, b.Key) })
				return out, nil
			}
			var v T
			if err := json.Unmarshal(entry.Value(), &v); err != nil {
				return nil, fmt.Errorf("read %s %s: %w", b.name, entry.Key(), err)
			}
			out = append(out, Entry[T]{Key: entry.Key(), Value: v})
		}
	}
}

// Change is one change of a bucket.
type Change[T any] struct {
	Key     string
	Value   T
	Deleted bool
}

// Watch calls f with everything that is stored below prefix and then with
// each change, until ctx ends or f returns an error.
func (b *Bucket[T]) Watch(ctx context.Context, f func(Change[T]) error, prefix ...string) error {
	watcher, err := b.kv.WatchFiltered(ctx, []string{filter(prefix)})
	if err != nil {
		return fmt.Errorf("watch %s: %w", b.name, err)
	}
	defer func() { _ = watcher.Stop() }()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case entry, open := <-watcher.Updates():
			if !open {
				return fmt.Errorf("watch %s: ended", b.name)
			}
			if entry == nil {
				continue
			}
			c := Change[T]{Key: entry.Key(), Deleted: entry.Operation() != jetstream.KeyValuePut}
			if !c.Deleted {
				if err := json.Unmarshal(entry.Value(), &c.Value); err != nil {
					return fmt.Errorf("read %s %s: %w", b.name, entry.Key(), err)
				}
			}
			if err := f(c); err != nil {
				return err
			}
		}
	}
}

func filter(prefix []string) string {
	if len(prefix) == 0 {
		return ">"
	}
	return strings.Join(prefix, ".") + ".>"
}
