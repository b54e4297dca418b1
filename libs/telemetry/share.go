// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Share registers a collector, or puts in its place the equal one that another
// unit of the same process registered before.
func Share[C prometheus.Collector](reg prometheus.Registerer, c *C) error {
	err := reg.Register(*c)
	var there prometheus.AlreadyRegisteredError
	if errors.As(err, &there) {
		if existing, ok := there.ExistingCollector.(C); ok {
			*c = existing
			return nil
		}
	}
	return err
}
