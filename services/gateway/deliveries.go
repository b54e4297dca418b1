// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/gateway/forge"
)

const (
	deliveriesBucket = "deliveries"
	rawObjects       = "raw"
	remembered       = 7 * 24 * time.Hour // forges deliver again for three days at most

	// maxRawMessage leaves room for headers below the server's limit of 1 MiB.
	maxRawMessage = 900 << 10
	maxRawHeader  = 1 << 10 // bytes kept of one header
)

// delivered is what is remembered of a delivery, longer than JetStream
// remembers message ids.
type delivered struct {
	Provider string    `json:"provider"`
	Delivery string    `json:"delivery"`
	Apps     []string  `json:"apps,omitempty"`
	At       time.Time `json:"at"`
}

func (s *Service) openDeliveries(ctx context.Context) (*store.Bucket[delivered], error) {
	if _, err := s.js().CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: deliveriesBucket, Description: "webhook deliveries that were taken", History: 1, TTL: remembered, Replicas: s.bus.Replicas,
	}); err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", deliveriesBucket, err)
	}
	return store.Open[delivered](ctx, s.js(), deliveriesBucket)
}

// openRaw makes sure that there is a place for large bodies.
func (s *Service) openRaw(ctx context.Context) error {
	_, err := s.js().CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{
		Bucket: rawObjects, Description: "webhook bodies that do not fit into a message", TTL: remembered, Replicas: s.bus.Replicas,
	})
	if err != nil {
		return fmt.Errorf("open object store %s: %w", rawObjects, err)
	}
	return nil
}

// deliveryKey is the key of a delivery: a hash, because the forge's id comes
// from outside.
func deliveryKey(hook record.Webhook, delivery string) string {
	sum := sha256.Sum256([]byte(delivery))
	return record.Key(hook.Project, hook.ID, hex.EncodeToString(sum[:16]))
}

func (s *Service) seen(ctx context.Context, hook record.Webhook, delivery string) (*delivered, error) {
	d, exists, err := s.deliveries.lookup(ctx, deliveryKey(hook, delivery))
	if err != nil || !exists {
		return nil, err
	}
	return &d, nil
}

// remember is the last step: what was not remembered is done again, and that
// is harmless. What is remembered must have been done.
func (s *Service) remember(ctx context.Context, hook record.Webhook, delivery string, apps []string) error {
	kv, err := s.deliveries.get(ctx)
	if err != nil {
		return err
	}
	err = kv.Create(ctx, deliveryKey(hook, delivery), delivered{Provider: hook.Provider, Delivery: delivery, Apps: apps, At: s.clock.Now()})
	if errors.Is(err, store.ErrExists) { // the same delivery came twice at once
		return nil
	}
	return err
}

// storeRaw keeps the delivery as it came in stream RAW, so that it can be
// normalised again.
func (s *Service) storeRaw(ctx context.Context, hook record.Webhook, d forge.Delivery, header http.Header, body []byte) error {
	key := deliveryKey(hook, d.ID)
	msg := nats.NewMsg("raw." + hook.Project + "." + hook.Provider + "." + hook.ID)
	msg.Header.Set("Hydra-Delivery", limit(d.ID, maxRawHeader))
	msg.Header.Set("Hydra-Event", limit(d.Event, maxRawHeader))
	for name, values := range header {
		if keptHeader(name) && len(values) > 0 {
			msg.Header.Set("Http-"+name, limit(values[0], maxRawHeader))
		}
	}
	msg.Data = body
	if len(body) > maxRawMessage {
		objects, err := s.js().ObjectStore(ctx, rawObjects)
		if err != nil {
			return fmt.Errorf("open object store %s: %w", rawObjects, err)
		}
		if _, err := objects.Put(ctx, jetstream.ObjectMeta{Name: key}, bytes.NewReader(body)); err != nil {
			return fmt.Errorf("store webhook body: %w", err)
		}
		msg.Header.Set("Hydra-Dataref", "nats-object://"+rawObjects+"/"+key)
		msg.Data = nil
	}
	if _, err := s.js().PublishMsg(ctx, msg, jetstream.WithMsgID(key)); err != nil {
		return fmt.Errorf("store webhook: %w", err)
	}
	return nil
}

// keptHeader lists what is kept rather than what is not: a secret in a header
// that nobody thought of must not end up in the store.
func keptHeader(name string) bool {
	switch name {
	case "Content-Type", "User-Agent", "Webhook-Id", "Webhook-Timestamp", "Idempotency-Key":
		return true
	}
	lower := strings.ToLower(name)
	if strings.Contains(lower, "token") || strings.Contains(lower, "signature") || strings.Contains(lower, "secret") {
		return false
	}
	return slices.ContainsFunc([]string{"x-github-", "x-gitlab-", "x-gitea-", "x-gogs-"}, func(p string) bool { return strings.HasPrefix(lower, p) })
}

func limit(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
