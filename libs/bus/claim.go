// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
)

const claimScheme = "nats-object://" + bucketClaims + "/"

// claimIn moves the data of ev into the object store (CloudEvents extension
// dataref, "claim check" pattern).
func (b *Bus) claimIn(ctx context.Context, ev *event.Event) error {
	objects, err := b.js.ObjectStore(ctx, bucketClaims)
	if err != nil {
		return fmt.Errorf("open object store %s: %w", bucketClaims, err)
	}
	// Named by content and project, so that an event which takes the source
	// and id of another cannot replace that one's data.
	project, _ := ev.Extensions()[extProject].(string)
	name := hash(project, ev.Source(), ev.ID(), string(ev.Data()))
	if _, err := objects.PutBytes(ctx, name, ev.Data()); err != nil {
		return fmt.Errorf("store data of event %s: %w", ev.ID(), err)
	}
	ev.SetExtension(extDataRef, claimScheme+name)
	ev.DataEncoded = nil
	return nil
}

// claimOut brings the data back.
func (b *Bus) claimOut(ctx context.Context, ev *event.Event) error {
	ref, _ := ev.Extensions()[extDataRef].(string)
	name, ours := strings.CutPrefix(ref, claimScheme)
	if !ours || len(ev.Data()) > 0 {
		return nil
	}
	objects, err := b.js.ObjectStore(ctx, bucketClaims)
	if err != nil {
		return fmt.Errorf("open object store %s: %w", bucketClaims, err)
	}
	if ev.DataEncoded, err = objects.GetBytes(ctx, name); err != nil {
		return fmt.Errorf("fetch data of event %s from %s: %w", ev.ID(), ref, err)
	}
	return nil
}
