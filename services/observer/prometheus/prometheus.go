// SPDX-License-Identifier: Apache-2.0

// Package prometheus asks a Prometheus, directly or through the Kubernetes
// API server, so that whoever may use the cluster can measure it from
// wherever they are.
package prometheus

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/rest"
)

// Client asks one Prometheus. It is safe for concurrent use.
type Client struct {
	address string
	api     v1.API
}

// New returns a client for the Prometheus at a URL.
func New(url string, transport http.RoundTripper) (*Client, error) {
	client, err := api.NewClient(api.Config{Address: url, RoundTripper: transport})
	if err != nil {
		return nil, fmt.Errorf("prometheus address %q: %w", url, err)
	}
	return &Client{address: url, api: v1.NewAPI(client)}, nil
}

// ThroughCluster returns a client for a Service, given as name:port, that the
// API server is asked to reach.
func ThroughCluster(cfg *rest.Config, namespace, service string) (*Client, error) {
	transport, err := rest.TransportFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("reach %s in %s: %w", service, namespace, err)
	}
	return New(ServiceURL(cfg, namespace, service), transport)
}

// ServiceURL is where the API server passes requests on to a Service.
func ServiceURL(cfg *rest.Config, namespace, service string) string {
	host := strings.TrimSuffix(cfg.Host, "/")
	if !strings.Contains(host, "://") {
		host = "https://" + host
	}
	return fmt.Sprintf("%s/api/v1/namespaces/%s/services/%s/proxy", host, namespace, service)
}

// Sample is one value with its labels.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query evaluates an expression whose result is a vector.
func (c *Client) Query(ctx context.Context, expression string) ([]Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	value, _, err := c.api.Query(ctx, expression, time.Time{}, v1.WithTimeout(8*time.Second))
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus for %s: %w", expression, err)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("ask Prometheus for %s: the answer is a %s, want a vector", expression, value.Type())
	}
	out := make([]Sample, 0, len(vector))
	for _, s := range vector {
		labels := make(map[string]string, len(s.Metric))
		for name, v := range s.Metric {
			labels[string(name)] = string(v)
		}
		out = append(out, Sample{Labels: labels, Value: float64(s.Value)})
	}
	return out, nil
}
