// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"net/http"

	"github.com/cloudevents/sdk-go/v2/event"
)

// ReadEvents reads a request as the publish route does, for the fuzz test.
func ReadEvents(header http.Header, body []byte) ([]event.Event, error) {
	s := &Service{cfg: DefaultConfig()}
	received, err := s.readEvents(header, body)
	if err != nil {
		return nil, err
	}
	for _, ev := range received {
		if p := checkEvent(ev); p != nil {
			return nil, p
		}
	}
	return received, nil
}
