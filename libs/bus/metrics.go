// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hydra-platform/hydra/libs/telemetry"
)

type metrics struct {
	delivered *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	emitted   *prometheus.CounterVec
	inFlight  *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		delivered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hydra_bus_deliveries_total", Help: "Deliveries by unit, event and outcome (ack, retry, after, deadletter, interrupted).",
		}, []string{"unit", "event", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hydra_bus_delivery_duration_seconds", Help: "Time a handler took for one attempt.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 30, 120, 600},
		}, []string{"unit", "event"}),
		emitted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hydra_bus_emitted_total", Help: "Events stored by unit and event.",
		}, []string{"unit", "event"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hydra_bus_in_flight", Help: "Deliveries taken from the stream and not finished.",
		}, []string{"unit"}),
	}
	if reg == nil {
		return m, nil
	}
	// Several units share one registry in `hydra up`; the second finds the
	// collectors of the first.
	for _, err := range []error{telemetry.Share(reg, &m.delivered), telemetry.Share(reg, &m.seconds), telemetry.Share(reg, &m.emitted), telemetry.Share(reg, &m.inFlight)} {
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}
