// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/libs/natsd"
	"github.com/hydra-platform/hydra/libs/telemetry"
)

// Process is the configuration of a process that runs one unit, read from
// the environment.
type Process struct {
	NATSURL     string `env:"HYDRA_NATS_URL" envDefault:"nats://127.0.0.1:4222"`
	NATSCreds   string `env:"HYDRA_NATS_CREDS"` // credentials file
	NATSUser    string `env:"HYDRA_NATS_USER"`  // with NATSPassword
	NATSPass    string `env:"HYDRA_NATS_PASSWORD,unset"`
	Kubeconfig  string `env:"HYDRA_KUBECONFIG"`
	ConfigFile  string `env:"HYDRA_CONFIG"`
	Replicas    int    `env:"HYDRA_STREAM_REPLICAS" envDefault:"1"`
	MetricsAddr string `env:"HYDRA_METRICS_ADDR" envDefault:"127.0.0.1:0"`
	LogLevel    string `env:"HYDRA_LOG_LEVEL" envDefault:"info"`
}

// Main runs one unit as a process of its own and exits when it is told to, or
// with code 1 and the reason when it fails.
func Main(u Unit) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := runProcess(ctx, u); err != nil {
		fmt.Fprintln(os.Stderr, u.Name+":", err)
		os.Exit(1)
	}
}

func runProcess(ctx context.Context, u Unit) (err error) {
	var p Process
	if err := env.Parse(&p); err != nil {
		return fmt.Errorf("read environment: %w", err)
	}
	level, err := zerolog.ParseLevel(p.LogLevel)
	if err != nil {
		return fmt.Errorf("HYDRA_LOG_LEVEL: %w", err)
	}
	log := zerolog.New(os.Stderr).Level(level).With().Timestamp().Logger()
	tel := telemetry.New(u.Name, "")
	defer func() { err = errors.Join(err, tel.Shutdown(context.WithoutCancel(ctx))) }()

	var auth []nats.Option
	if p.NATSCreds != "" {
		auth = append(auth, nats.UserCredentials(p.NATSCreds))
	}
	if p.NATSUser != "" {
		auth = append(auth, nats.UserInfo(p.NATSUser, p.NATSPass))
	}
	nc, err := natsd.Connect(p.NATSURL, u.Name, auth...)
	if err != nil {
		return err
	}
	defer nc.Close()

	listener, err := net.Listen("tcp", p.MetricsAddr)
	if err != nil {
		return fmt.Errorf("listen for metrics: %w", err)
	}
	go func() {
		_ = telemetry.Serve(ctx, listener, tel.Handler(func() error {
			if !nc.IsConnected() {
				return fmt.Errorf("not connected to NATS at %s", p.NATSURL)
			}
			return nil
		}))
	}()
	log.Info().Str("unit", u.Name).Str("metrics", listener.Addr().String()).Time("at", time.Now()).Msg("started")
	return Run(ctx, Options{NATS: nc, Kubeconfig: p.Kubeconfig, ConfigFile: p.ConfigFile, Log: log, Telemetry: tel, Replicas: p.Replicas}, u)
}
