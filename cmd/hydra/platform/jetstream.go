// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hydra-platform/hydra/libs/natsd"
	"github.com/hydra-platform/hydra/libs/supervise"
)

const natsUser = "hydra"

// jetStream is the embedded server as a part. Without it nothing can be true
// any more, so its failure is final: the platform ends with the reason.
func (p *Platform) jetStream() supervise.Part {
	cfg := natsd.Config{
		Dir: p.dir.Path("nats"), Port: p.ports.NATS, User: natsUser, Password: p.natsPassword,
		Log: p.log.With().Str("part", "jetstream").Logger(),
	}
	return supervise.Part{
		Name: "jetstream", StopTimeout: 20 * time.Second,
		Run: func(ctx context.Context) error {
			srv, err := natsd.Start(ctx, cfg)
			if err != nil {
				return supervise.Permanent(err)
			}
			defer srv.Stop()
			nc, err := srv.Connect("hydra-up")
			if err != nil {
				return supervise.Permanent(err)
			}
			defer nc.Close()
			return supervise.Permanent(watchJetStream(ctx, nc))
		},
		Ready: func(ctx context.Context) error {
			nc, err := p.connect("hydra-up-ready")
			if err != nil {
				return err
			}
			defer nc.Close()
			return askJetStream(ctx, nc)
		},
	}
}

// watchJetStream returns when the server has not answered three times: a full
// or broken disk turns JetStream off while the process goes on.
func watchJetStream(ctx context.Context, nc *nats.Conn) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		err := askJetStream(ctx, nc)
		if err == nil || ctx.Err() != nil {
			failures = 0
			continue
		}
		if failures++; failures == 3 {
			return fmt.Errorf("JetStream does not answer any more: %w: is the disk full or broken?", err)
		}
	}
}

func askJetStream(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("ask JetStream: %w", err)
	}
	return nil
}

// natsURL is where the services find the bus.
func (p *Platform) natsURL() string {
	if p.opts.NATSURL != "" {
		return p.opts.NATSURL
	}
	return fmt.Sprintf("nats://127.0.0.1:%d", p.ports.NATS)
}

// connect opens a connection to the bus, the embedded or the user's.
func (p *Platform) connect(name string) (*nats.Conn, error) {
	if p.opts.NATSURL == "" {
		return natsd.Connect(p.natsURL(), name, nats.UserInfo(natsUser, p.natsPassword))
	}
	if p.opts.NATSPasswordFile == "" {
		return natsd.Connect(p.natsURL(), name)
	}
	password, err := os.ReadFile(p.opts.NATSPasswordFile)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--nats-password-file: %w", err))
	}
	user := p.opts.NATSUser
	if user == "" {
		user = natsUser
	}
	return natsd.Connect(p.natsURL(), name, nats.UserInfo(user, strings.TrimSpace(string(password))))
}
