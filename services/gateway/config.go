// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/hydra-platform/hydra/libs/bus"
)

// Config of the gateway. The fields below the line are set by the program
// that embeds it, not by an operator.
type Config struct {
	// Listen is the address of the HTTP server; port 0 takes a free one.
	Listen string `json:"listen" env:"LISTEN"`
	// PublicURL is how forges and people reach the gateway. Empty: the
	// address it listens on.
	PublicURL string `json:"publicURL" env:"PUBLIC_URL"`
	// BodyLimit is the largest API request body, in bytes.
	BodyLimit int64 `json:"bodyLimit" env:"BODY_LIMIT"`
	// HookLimit is the largest webhook body, in bytes. GitHub sends up to 25 MB.
	HookLimit int64 `json:"hookLimit" env:"HOOK_LIMIT"`
	// BatchLimit is the largest number of CloudEvents in one request.
	BatchLimit int `json:"batchLimit" env:"BATCH_LIMIT"`
	// Wait is how long a write waits for the service that owns the record to
	// take it up, before the answer says that it is still under way.
	Wait time.Duration `json:"wait" env:"WAIT"`
	// Heartbeat is the pause after which an idle stream sends a comment, so
	// that proxies keep the connection.
	Heartbeat time.Duration `json:"heartbeat" env:"HEARTBEAT"`
	// RequestTimeout bounds every request that is no stream.
	RequestTimeout time.Duration `json:"requestTimeout" env:"REQUEST_TIMEOUT"`
	// Drain is how long requests under way may take when the service stops.
	Drain time.Duration `json:"drain" env:"DRAIN"`

	// ---

	// Listener is used instead of Listen when it is set; Run closes it.
	Listener net.Listener `json:"-"`
	// OnListen is called with the address once requests are answered.
	OnListen func(net.Addr) `json:"-"`
	// Routes is the event graph of every unit, for /api/v1/flow.
	Routes []bus.Route `json:"-"`
	// Parts reports the supervised parts of `hydra up`, for /api/v1/platform.
	Parts func(context.Context) []Part `json:"-"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() *Config {
	return &Config{
		Listen:         "127.0.0.1:7070",
		BodyLimit:      4 << 20,
		HookLimit:      25 << 20,
		BatchLimit:     100,
		Wait:           3 * time.Second,
		Heartbeat:      15 * time.Second,
		RequestTimeout: 30 * time.Second,
		Drain:          5 * time.Second,
	}
}

// Validate names the first field that is wrong.
func (c *Config) Validate() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen %q: want host:port, such as 127.0.0.1:7070", c.Listen)
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("publicURL %q: want an http or https URL, such as https://hydra.example.com", c.PublicURL)
		}
	}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"bodyLimit", c.BodyLimit},
		{"hookLimit", c.HookLimit},
		{"batchLimit", int64(c.BatchLimit)},
		{"wait", int64(c.Wait)},
		{"heartbeat", int64(c.Heartbeat)},
		{"requestTimeout", int64(c.RequestTimeout)},
		{"drain", int64(c.Drain)},
	} {
		if f.value <= 0 {
			return fmt.Errorf("%s %d: want more than 0", f.name, f.value)
		}
	}
	if c.Wait >= c.RequestTimeout {
		return fmt.Errorf("wait %s: want less than requestTimeout %s", c.Wait, c.RequestTimeout)
	}
	return nil
}
