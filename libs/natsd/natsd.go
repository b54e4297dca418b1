// SPDX-License-Identifier: Apache-2.0

// Package natsd runs a NATS server with JetStream inside the process, for
// `hydra up` and for tests. It listens on the loopback interface only and
// lets nobody in without the password that its owner chose.
package natsd

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

// Config of the server.
type Config struct {
	Dir      string        // store directory
	Port     int           // on 127.0.0.1; 0 takes a free one
	User     string        // required
	Password string        // required
	Sync     time.Duration // how often files are synced; default 200 ms
	MaxStore int64         // bytes on disk; default 20 GiB
	Log      zerolog.Logger
}

// Server is a running server.
type Server struct {
	srv *server.Server
	cfg Config
}

// Start returns when the server takes connections, or why it does not.
//
// Syncing every 200 ms costs no measurable throughput against the default of
// two minutes and makes the window that a power failure may take as short.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.User == "" || cfg.Password == "" {
		return nil, fmt.Errorf("start JetStream: user and password are required")
	}
	if cfg.Sync == 0 {
		cfg.Sync = 200 * time.Millisecond
	}
	if cfg.MaxStore == 0 {
		cfg.MaxStore = 20 << 30
	}
	port := cfg.Port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: "hydra", Host: "127.0.0.1", Port: port,
		Username: cfg.User, Password: cfg.Password,
		JetStream: true, StoreDir: cfg.Dir, SyncInterval: cfg.Sync,
		JetStreamMaxStore: cfg.MaxStore, JetStreamMaxMemory: 64 << 20,
		MaxPayload: 1 << 20, NoSigs: true,
	})
	if err != nil {
		return nil, fmt.Errorf("start JetStream in %s: %w", cfg.Dir, err)
	}
	srv.SetLoggerV2(logger{cfg.Log}, false, false, false)
	srv.Start()
	s := &Server{srv: srv, cfg: cfg}
	deadline := 30 * time.Second
	if d, ok := ctx.Deadline(); ok {
		deadline = time.Until(d)
	}
	if !srv.ReadyForConnections(deadline) {
		s.Stop()
		return nil, fmt.Errorf("start JetStream on 127.0.0.1:%d: not ready after %s; is the port taken or the disk full?", cfg.Port, deadline)
	}
	if !srv.JetStreamEnabled() {
		s.Stop()
		return nil, fmt.Errorf("start JetStream in %s: the server came up without it; is the directory writable and not used by another instance?", cfg.Dir)
	}
	return s, nil
}

// URL is where clients connect, without credentials.
func (s *Server) URL() string { return "nats://" + s.srv.Addr().String() }

// Port is the port that was taken.
func (s *Server) Port() int {
	addr, ok := s.srv.Addr().(*net.TCPAddr)
	if !ok {
		return s.cfg.Port
	}
	return addr.Port
}

// Connect opens a connection as the server's user.
func (s *Server) Connect(name string) (*nats.Conn, error) {
	return Connect(s.URL(), name, nats.UserInfo(s.cfg.User, s.cfg.Password))
}

// Stop ends the server after it has written everything out.
func (s *Server) Stop() {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

// Connect opens a connection that reconnects for ever: a service outlives its
// server's restart.
func Connect(url, name string, opts ...nats.Option) (*nats.Conn, error) {
	opts = append([]nats.Option{
		nats.Name(name), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond), nats.RetryOnFailedConnect(false),
	}, opts...)
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", url, err)
	}
	return nc, nil
}

// logger hands the server's own log on; its notices are debug lines here.
type logger struct{ log zerolog.Logger }

func (l logger) Noticef(format string, v ...any) { l.log.Debug().Msgf(format, v...) }
func (l logger) Warnf(format string, v ...any)   { l.log.Warn().Msgf(format, v...) }
func (l logger) Fatalf(format string, v ...any)  { l.log.Error().Msgf(format, v...) }
func (l logger) Errorf(format string, v ...any)  { l.log.Error().Msgf(format, v...) }
func (l logger) Debugf(format string, v ...any)  { l.log.Debug().Msgf(format, v...) }
func (l logger) Tracef(format string, v ...any)  { l.log.Trace().Msgf(format, v...) }
