// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"net"
	"time"
)

// Names under which the entry is known in the cluster.
const (
	ControllerName   = "hydra.dev/entry"
	GatewayClassName = "hydra"
	GatewayName      = "hydra"
	GatewayNamespace = "hydra-system"
	ListenerName     = "http"
)

// Options of the configuration that are not routes.
type Options struct {
	Listen        string        // ip:port for apps
	MetricsListen string        // ip:port for Caddy's metrics; empty: no metrics
	Socket        string        // Caddy's name of the open socket for Listen; empty: Caddy opens it
	MetricsSocket string        // likewise for MetricsListen
	DataDir       string        // Caddy's storage
	Hold          time.Duration // how long a request waits for an instance that takes it
	AccessLog     bool          // one line for each request, and for each error
}

// port is the port of the listener for apps, as text.
func (o Options) port() string {
	_, port, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return ""
	}
	return port
}
