// SPDX-License-Identifier: Apache-2.0

package events

// DeliveryDeadLettered says that a handler gave an event up. The event itself
// is in stream DLQ.
type DeliveryDeadLettered struct {
	Unit           string `json:"unit"`
	EventID        string `json:"eventId"`
	Type           string `json:"type"`
	OriginSequence string `json:"originSequence"` // decimal: a sequence does not fit JSON's exact integers
	Attempts       int    `json:"attempts"`
	Reason         string `json:"reason"`
}

func (DeliveryDeadLettered) EventType() Type {
	return "dev.cdeventsx.hydra-delivery.deadlettered.0.1.0"
}
func (e DeliveryDeadLettered) SubjectID() string { return e.EventID }
