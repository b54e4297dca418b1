// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Names of the streams.
const (
	StreamEvents      = "EV"
	StreamRaw         = "RAW"
	StreamDeadLetters = "DLQ"
	StreamLogs        = "LOGS"

	bucketClaims = "claims"
)

// Streams returns the configuration of every stream.
//
//	stream  kept     why
//	EV      90 days  the history; nothing in it can be deleted or purged
//	RAW     7 days   webhook bodies as they came, to normalise them again
//	DLQ     90 days  what a handler gave up
//	LOGS    30 days  build, test and deployment logs, at most 4 GiB
//
// The window for recognising a message id is ten minutes: longer than the
// time between a crash and the retry of what it interrupted, at 142 bytes for
// each id.
func Streams(replicas int) []jetstream.StreamConfig {
	const day = 24 * time.Hour
	return []jetstream.StreamConfig{
		{
			Name: StreamEvents, Subjects: []string{"ev.>"}, Replicas: replicas,
			MaxAge: 90 * day, Duplicates: 10 * time.Minute,
			DenyDelete: true, DenyPurge: true, AllowDirect: true,
		},
		{
			Name: StreamRaw, Subjects: []string{"raw.>"}, Replicas: replicas,
			MaxAge: 7 * day, MaxBytes: 2 << 30, Duplicates: 10 * time.Minute,
		},
		{
			Name: StreamDeadLetters, Subjects: []string{"dlq.>"}, Replicas: replicas,
			MaxAge: 90 * day, MaxBytes: 1 << 30, Duplicates: 10 * time.Minute, AllowDirect: true,
		},
		{
			Name: StreamLogs, Subjects: []string{"log.>"}, Replicas: replicas,
			MaxAge: 30 * day, MaxBytes: 4 << 30, Duplicates: 2 * time.Minute, AllowDirect: true,
			Compression: jetstream.S2Compression,
		},
	}
}

// Ensure creates what is missing and brings the rest up to date.
func Ensure(ctx context.Context, js jetstream.JetStream, replicas int) error {
	for _, cfg := range Streams(replicas) {
		if _, err := js.CreateOrUpdateStream(ctx, cfg); err != nil {
			return fmt.Errorf("create stream %s: %w", cfg.Name, err)
		}
	}
	if _, err := js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: bucketClaims, Replicas: replicas, TTL: 90 * 24 * time.Hour}); err != nil {
		return fmt.Errorf("create object store %s: %w", bucketClaims, err)
	}
	return nil
}
