// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// ErrNotRunning says that no instance runs on a data directory.
var ErrNotRunning = errors.New("no instance runs")

// serveControl answers on run/control.sock, which only the owner of the data
// directory can open.
func (p *Platform) serveControl(stop func()) (end func(), err error) {
	path := p.dir.socket()
	_ = os.Remove(path) // of a process that is gone: the lock is ours
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for `hydra status` and `hydra down`: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, fmt.Errorf("protect the control socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(p.State().measured())
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		stop()
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = srv.Serve(l) }()
	return func() { _ = srv.Close() }, nil
}

// Running returns the state of the instance that runs on the data directory,
// or [ErrNotRunning].
func (d Dir) Running(ctx context.Context) (State, error) {
	var s State
	res, err := d.control(ctx, http.MethodGet, "/status")
	if err != nil {
		return s, err
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		return s, fmt.Errorf("ask the running instance: %w", err)
	}
	return s, nil
}

func (d Dir) control(ctx context.Context, method, path string) (*http.Response, error) {
	if d.owner() == 0 {
		return nil, fmt.Errorf("%w on %s", ErrNotRunning, d.path)
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", d.socket())
		},
	}}
	req, err := http.NewRequestWithContext(ctx, method, "http://hydra"+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the running instance (process id %d): %w", d.owner(), err)
	}
	return res, nil
}
