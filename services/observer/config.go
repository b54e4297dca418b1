// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"fmt"
	"time"
)

// Config of the observer. Environment: HYDRA_OBSERVER_<NAME>.
type Config struct {
	// Telemetry rolls out the small telemetry set; without it Prometheus must
	// be there as PrometheusNamespace/PrometheusService says.
	Telemetry bool `env:"TELEMETRY" json:"telemetry"`
	// PrometheusImage and CollectorImage are what the set runs.
	PrometheusImage string `env:"PROMETHEUS_IMAGE" json:"prometheusImage"`
	CollectorImage  string `env:"COLLECTOR_IMAGE" json:"collectorImage"`
	// EntryTarget is host:port of the HTTP entry's metrics as a pod reaches
	// it; empty: no request metrics.
	EntryTarget string `env:"ENTRY_TARGET" json:"entryTarget"`
	// RolloutTimeout is how long the set may take to become ready.
	RolloutTimeout time.Duration `env:"ROLLOUT_TIMEOUT" json:"rolloutTimeout"`
	// VerifyTimeout is how long a value may take through the set.
	VerifyTimeout time.Duration `env:"VERIFY_TIMEOUT" json:"verifyTimeout"`

	// PrometheusService is the Service to ask, as name:port in Namespace,
	// through the API server. PrometheusURL, where given, is asked instead.
	Namespace         string `env:"NAMESPACE" json:"namespace"`
	PrometheusService string `env:"PROMETHEUS_SERVICE" json:"prometheusService"`
	PrometheusURL     string `env:"PROMETHEUS_URL" json:"prometheusURL"`

	// MeasureInterval between two measurements of all apps.
	MeasureInterval time.Duration `env:"MEASURE_INTERVAL" json:"measureInterval"`
	// RequestWindow and UsageWindow are what rates are taken over: at least
	// three times what they are scraped in.
	RequestWindow time.Duration `env:"REQUEST_WINDOW" json:"requestWindow"`
	UsageWindow   time.Duration `env:"USAGE_WINDOW" json:"usageWindow"`
	// EntryMatcher selects the entry's series that count a request once.
	EntryMatcher string `env:"ENTRY_MATCHER" json:"entryMatcher"`

	// SettleAfter is how long an app must be well for an incident to end.
	SettleAfter time.Duration `env:"SETTLE_AFTER" json:"settleAfter"`
	// KeepIncidents is how long a resolved incident stays in the store. The
	// events about it stay as long as all others.
	KeepIncidents time.Duration `env:"KEEP_INCIDENTS" json:"keepIncidents"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() *Config {
	return &Config{
		Telemetry:       true,
		PrometheusImage: "docker.io/prom/prometheus:v3.16.0",
		CollectorImage:  "docker.io/otel/opentelemetry-collector-contrib:0.158.0",
		RolloutTimeout:  3 * time.Minute, VerifyTimeout: 90 * time.Second,
		Namespace: "hydra-system", PrometheusService: "hydra-prometheus:9090",
		MeasureInterval: 5 * time.Second, RequestWindow: 20 * time.Second, UsageWindow: time.Minute,
		// Caddy counts a request once for each route that it passes; the
		// entry's outermost route of an app is a subroute.
		EntryMatcher: `server="apps",handler="subroute"`,
		SettleAfter:  15 * time.Second, KeepIncidents: 30 * 24 * time.Hour,
	}
}

// Validate names the first field that is wrong.
func (c *Config) Validate() error {
	for name, d := range map[string]time.Duration{
		"rolloutTimeout": c.RolloutTimeout, "verifyTimeout": c.VerifyTimeout, "measureInterval": c.MeasureInterval,
		"requestWindow": c.RequestWindow, "usageWindow": c.UsageWindow, "settleAfter": c.SettleAfter, "keepIncidents": c.KeepIncidents,
	} {
		if d < time.Second {
			return fmt.Errorf("%s %s: want at least 1s", name, d)
		}
	}
	for name, s := range map[string]string{
		"namespace": c.Namespace, "prometheusService": c.PrometheusService, "prometheusImage": c.PrometheusImage, "collectorImage": c.CollectorImage,
	} {
		if s == "" {
			return fmt.Errorf("%s: want a value", name)
		}
	}
	return nil
}
