// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hydra-platform/hydra/events"
)

// Headers of a dead letter, beside those of the event itself.
const (
	headerReason   = "Hydra-Reason"
	headerUnit     = "Hydra-Unit"
	headerAttempts = "Hydra-Attempts"
	headerSequence = "Hydra-Origin-Sequence"
	headerSubject  = "Hydra-Origin-Subject"
)

// deadLetter stores the event as it came in stream DLQ under
// dlq.<unit>.<subject> and tells everybody.
func (b *Bus) deadLetter(ctx context.Context, d *delivery, attempts int, why error) error {
	msg := nats.NewMsg("dlq." + b.unit + "." + d.msg.Subject())
	for name, values := range d.msg.Headers() {
		if !strings.HasPrefix(name, "Nats-") {
			msg.Header[name] = values
		}
	}
	sequence := strconv.FormatUint(d.meta.Sequence, 10)
	msg.Header.Set(headerReason, reason(why))
	msg.Header.Set(headerUnit, b.unit)
	msg.Header.Set(headerAttempts, strconv.Itoa(attempts))
	msg.Header.Set(headerSequence, sequence)
	msg.Header.Set(headerSubject, d.msg.Subject())
	msg.Data = d.msg.Data()
	id := hash(b.unit, d.msg.Subject(), sequence, d.meta.ID)
	if _, err := b.js.PublishMsg(ctx, msg, jetstream.WithMsgID(id)); err != nil {
		return fmt.Errorf("store dead letter: %w", err)
	}
	return b.Emit(ctx, events.DeliveryDeadLettered{
		Unit: b.unit, EventID: d.meta.ID, Type: string(d.meta.Type), OriginSequence: sequence,
		Attempts: attempts, Reason: reason(why),
	}, For(d.meta.Project, d.meta.App), Key(id), Correlate(d.meta.CorrelationID))
}

// reason fits into a header and into an advisory.
func reason(err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	if len(s) > 500 {
		s = s[:500]
	}
	return s
}

// Own lists the events that the bus emits on behalf of every unit.
func Own() []events.Payload { return []events.Payload{events.DeliveryDeadLettered{}} }
