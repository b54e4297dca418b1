// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage" // Caddy's storage in the data directory
	_ "github.com/caddyserver/caddy/v2/modules/metrics"     // the handler of the metrics listener
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/hydra-platform/hydra/parts/entry/kubewatch"
	"github.com/hydra-platform/hydra/parts/entry/live"
	"github.com/hydra-platform/hydra/parts/entry/translate"
	"github.com/hydra-platform/hydra/parts/entry/upstream"
)

// debounce gathers the changes that one roll-out makes into one configuration.
const debounce = 50 * time.Millisecond

// entry keeps Caddy's configuration equal to what the cluster asks for.
type entry struct {
	opts   translate.Options
	table  *upstream.Table
	routes *live.Routes
	log    zerolog.Logger
	dirty  chan struct{} // of size 1: something but the instances changed
	loaded []byte        // routes that Caddy has
}

// newEntry opens the addresses and the data directory. It must be called
// once for each process, because Caddy is one for each process.
func newEntry(opts translate.Options, log zerolog.Logger) (*entry, error) {
	var err error
	if opts.Listen, opts.Socket, err = open(opts.Listen); err != nil {
		return nil, err
	}
	if opts.MetricsListen != "" {
		if opts.MetricsListen, opts.MetricsSocket, err = open(opts.MetricsListen); err != nil {
			return nil, err
		}
	}
	dir, err := filepath.Abs(opts.DataDir)
	if err != nil {
		return nil, fmt.Errorf("find data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	opts.DataDir = dir
	// Caddy falls back to these for what its storage does not hold.
	for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		if err := os.Setenv(name, dir); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	e := &entry{opts: opts, table: upstream.NewTable(), routes: new(live.Routes), log: log, dirty: make(chan struct{}, 1)}
	upstream.Register(e.table)
	live.Register(e.routes)
	return e, nil
}

// open listens and returns the real address and the name under which Caddy
// takes the socket. A socket that Caddy opens by itself would share a taken
// port with whoever has it, and would not tell its port when asked for any.
func open(address string) (actual, socket string, err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", "", fmt.Errorf("listen on %s: %w; stop the other process or choose another port", address, err)
	}
	defer func() { _ = l.Close() }()
	t, ok := l.(*net.TCPListener)
	if !ok {
		return "", "", fmt.Errorf("listen on %s: not a TCP address", address)
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return "", "", fmt.Errorf("listen on %s: %w", address, err)
	}
	var fd int
	var dupErr error
	if err := raw.Control(func(p uintptr) { fd, dupErr = unix.FcntlInt(p, unix.F_DUPFD_CLOEXEC, 0) }); err != nil || dupErr != nil {
		return "", "", fmt.Errorf("listen on %s: keep the socket: %w", address, errors.Join(err, dupErr))
	}
	return l.Addr().String(), "fd/" + strconv.Itoa(fd), nil
}

// ensureEvery is the pause between two tries to apply the gateway.
const ensureEvery = 250 * time.Millisecond

// run serves until ctx ends, then returns without stopping Caddy.
func (e *entry) run(ctx context.Context, kubeconfig string, ensureGateway bool, stdout io.Writer) error {
	client, err := kubewatch.Connect(ctx, kubeconfig, func(err error) { e.log.Info().Err(err).Msg("waiting for the cluster") })
	if err != nil {
		return stopped(err)
	}
	if ensureGateway {
		_, port, err := net.SplitHostPort(e.opts.Listen)
		if err != nil {
			return fmt.Errorf("read listener address: %w", err)
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return fmt.Errorf("read listener port: %w", err)
		}
		// A new cluster knows the gateway kinds a moment after it answers.
		for {
			err := client.EnsureGateway(ctx, n)
			if err == nil {
				break
			}
			e.log.Info().Err(err).Msg("waiting for the cluster to take the gateway")
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(ensureEvery):
			}
		}
	}
	var watch *kubewatch.Watch
	watch, err = kubewatch.NewWatch(client, func(service string) {
		s, slices := watch.Service(service)
		if s == nil {
			e.table.Set(service, nil)
			return
		}
		e.table.Set(service, upstream.Addresses(s, slices))
	}, e.poke)
	if err != nil {
		return err
	}
	synced := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watch.Run(ctx, func() { close(synced) })
	}()
	defer func() { <-ended }()
	select {
	case <-synced:
	case <-ctx.Done():
		return nil
	}
	if err := e.start(); err != nil {
		return err
	}
	e.reconcile(ctx, watch)
	err = json.NewEncoder(stdout).Encode(map[string]string{"part": "entry", "state": "ready", "address": e.opts.Listen, "metrics": e.opts.MetricsListen})
	if err != nil {
		return fmt.Errorf("write ready line: %w", err)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.dirty:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(debounce):
		}
		e.reconcile(ctx, watch)
	}
}

func (e *entry) poke() {
	select {
	case e.dirty <- struct{}{}:
	default:
	}
}

func (e *entry) reconcile(ctx context.Context, watch *kubewatch.Watch) {
	knows := func(b translate.Backend) bool {
		s, _ := watch.Service(b.Namespace + "/" + b.Name)
		if s == nil {
			return false
		}
		for _, p := range s.Spec.Ports {
			if p.Port == b.Port {
				return true
			}
		}
		return false
	}
	verdicts, err := e.load(watch.Routes(), knows)
	if err != nil {
		e.log.Error().Err(err).Msg("configuration not loaded, the one before stays")
	}
	if err := watch.WriteStatus(ctx, e.opts.Listen, verdicts, err); err != nil && ctx.Err() == nil {
		e.log.Warn().Err(err).Msg("status not written, trying again")
		time.AfterFunc(time.Second, e.poke)
	}
}

// start starts Caddy, without any route yet.
func (e *entry) start() error {
	config, err := translate.Base(e.opts)
	if err != nil {
		return err
	}
	if err := caddy.Load(config, true); err != nil {
		return fmt.Errorf("start Caddy: %w", err)
	}
	return nil
}

// load gives Caddy the routes unless it has them. When Caddy refuses them,
// each is tried alone, so that one bad route takes nobody else's with it.
func (e *entry) load(routes []*gateway.HTTPRoute, knows func(translate.Backend) bool) ([]translate.Verdict, error) {
	table, verdicts, err := translate.Routes(e.opts, routes, knows)
	if err != nil || bytes.Equal(table.Handler, e.loaded) {
		return verdicts, err
	}
	loadErr := e.routes.Load(table.Hosts, table.Handler)
	if loadErr == nil {
		e.loaded = table.Handler
		return verdicts, nil
	}
	var good []*gateway.HTTPRoute
	for i, v := range verdicts {
		if !v.Served() {
			continue
		}
		alone, _, err := translate.Routes(e.opts, []*gateway.HTTPRoute{v.Route}, knows)
		if err == nil {
			err = e.routes.Check(alone.Handler)
		}
		if err != nil {
			verdicts[i] = v.Refuse(err.Error())
			continue
		}
		good = append(good, v.Route)
	}
	table, _, err = translate.Routes(e.opts, good, knows)
	if err != nil || bytes.Equal(table.Handler, e.loaded) {
		return verdicts, err
	}
	if err := e.routes.Load(table.Hosts, table.Handler); err != nil {
		return verdicts, errors.Join(loadErr, err)
	}
	e.loaded = table.Handler
	return verdicts, nil
}

func stopped(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
