// SPDX-License-Identifier: Apache-2.0

package buildkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/containerd/containerd/v2/core/snapshots/storage"
	bolt "go.etcd.io/bbolt"
)

// Repair removes snapshot directories that the daemon's own records do not
// know, from the daemon's root directory, and returns them. It has to run
// before each start.
//
// The daemon names the directory of a snapshot before it commits the record.
// Killed in between, it gives the next snapshot the same number, finds the
// directory there, and fails every build from then on.
func Repair(ctx context.Context, root string) (removed []string, err error) {
	records, err := filepath.Glob(filepath.Join(root, "*", "snapshots", "metadata.db"))
	if err != nil {
		return nil, fmt.Errorf("repair BuildKit's snapshots: %w", err)
	}
	for _, record := range records {
		known, err := snapshotIDs(ctx, record)
		if err != nil {
			return removed, fmt.Errorf("repair BuildKit's snapshots: read %s: %w; is a daemon running on it?", record, err)
		}
		dir := filepath.Join(filepath.Dir(record), "snapshots")
		entries, err := os.ReadDir(dir)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return removed, fmt.Errorf("repair BuildKit's snapshots: %w", err)
		}
		for _, e := range entries {
			if _, ok := known[e.Name()]; ok {
				continue
			}
			orphan := filepath.Join(dir, e.Name())
			if err := os.RemoveAll(orphan); err != nil {
				return removed, fmt.Errorf("repair BuildKit's snapshots: %w", err)
			}
			removed = append(removed, orphan)
		}
	}
	return removed, nil
}

func snapshotIDs(ctx context.Context, record string) (ids map[string]string, err error) {
	store, err := storage.NewMetaStore(record, func(o *bolt.Options) error {
		o.Timeout = 5 * time.Second // for the lock that a running daemon holds
		return nil
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	err = store.WithTransaction(ctx, false, func(ctx context.Context) error {
		ids, err = storage.IDMap(ctx)
		return err
	})
	return ids, err
}
