// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// maxLoad bounds every load, whatever is asked for.
const maxLoad = 5 * time.Minute

// Visitor calls apps at the entry: names below localhost need no resolver,
// every connection goes to 127.0.0.1.
type Visitor struct{ client *http.Client }

// NewVisitor returns a visitor of the entry on this port.
func NewVisitor(port int) Visitor {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	return Visitor{&http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
	}}}
}

// Get returns status and body.
func (v Visitor) Get(ctx context.Context, url string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	res, err := v.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, string(body), err
}

// Await calls url until it answers 200 and returns the body.
func (v Visitor) Await(ctx context.Context, url string) (string, error) {
	last := "no answer"
	for {
		status, body, err := v.Get(ctx, url)
		switch {
		case err == nil && status == http.StatusOK:
			return body, nil
		case err != nil:
			last = err.Error()
		default:
			last = fmt.Sprintf("%d %s", status, body)
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("wait for %s: %w (last: %s)", url, context.Cause(ctx), last)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Load calls url at a fixed rate until its stop is called and then tells what
// the callers met. At most five minutes.
func (v Visitor) Load(url string, perSecond int) (stop func() Met) {
	attacker := vegeta.NewAttacker(vegeta.Client(v.client), vegeta.MaxWorkers(64))
	results := attacker.Attack(vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: url}), vegeta.Rate{Freq: perSecond, Per: time.Second}, maxLoad, "load")
	var m vegeta.Metrics
	met := Met{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for r := range results {
			m.Add(r)
			if r.Code != http.StatusOK && len(met.Failures) < 5 {
				met.Failures = append(met.Failures, fmt.Sprintf("%d %s %.80s", r.Code, r.Error, r.Body))
			}
		}
		m.Close()
		met.Requests, met.Failed = int(m.Requests), int(m.Requests)-m.StatusCodes["200"]
		met.P50, met.P95, met.Max = m.Latencies.P50, m.Latencies.P95, m.Latencies.Max
	}()
	return sync.OnceValue(func() Met {
		attacker.Stop()
		<-done
		return met
	})
}

// Met is what callers met.
type Met struct {
	Requests, Failed int
	Failures         []string // the first few
	P50, P95, Max    time.Duration
}

func (m Met) String() string {
	return fmt.Sprintf("%d requests, %d failed, p50 %s, p95 %s, slowest %s", m.Requests, m.Failed,
		m.P50.Round(100*time.Microsecond), m.P95.Round(100*time.Microsecond), m.Max.Round(time.Millisecond))
}
