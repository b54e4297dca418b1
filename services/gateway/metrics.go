// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hydra-platform/hydra/libs/telemetry"
)

// metrics of the gateway. Labels are routes, codes and fixed words, never
// anything a caller can choose.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	streams  *prometheus.GaugeVec
	refused  *prometheus.CounterVec
	hooks    *prometheus.CounterVec
	rejected *prometheus.CounterVec
	external *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hydra_gateway_http_requests_total", Help: "Requests by route, method and status code.",
		}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hydra_gateway_http_request_duration_seconds", Help: "Time until the answer was written; streams are left out.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hydra_gateway_http_in_flight", Help: "Requests being answered, streams included.",
		}),
		streams: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hydra_gateway_streams", Help: "Open streams by kind (events, build_logs, app_logs).",
		}, []string{"kind"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hydra_gateway_auth_refused_total", Help: "Requests refused by reason (missing, unknown, expired, admin, project).",
		}, []string{"reason"}),
		hooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hydra_gateway_webhook_deliveries_total", Help: "Verified deliveries by provider and result (accepted, ignored, duplicate, ping).",
		}, []string{"provider", "result"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hydra_gateway_webhook_rejected_total", Help: "Deliveries refused by provider and reason.",
		}, []string{"provider", "reason"}),
		external: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hydra_gateway_published_total", Help: "CloudEvents of other producers by result (stored, duplicate, refused).",
		}, []string{"result"}),
	}
	if reg == nil {
		return m, nil
	}
	for _, err := range []error{
		telemetry.Share(reg, &m.requests), telemetry.Share(reg, &m.seconds), telemetry.Share(reg, &m.inFlight), telemetry.Share(reg, &m.streams),
		telemetry.Share(reg, &m.refused), telemetry.Share(reg, &m.hooks), telemetry.Share(reg, &m.rejected), telemetry.Share(reg, &m.external),
	} {
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}
