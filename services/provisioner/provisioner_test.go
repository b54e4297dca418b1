// SPDX-License-Identifier: Apache-2.0

package provisioner

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/natsd/natsdtest"
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/provisioner/mototest"
)

// run runs the service over a JetStream of its own.
func run(t *testing.T, cfg *Config) (*bus.Bus, *store.Bucket[record.Plan]) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	_, nc := natsdtest.Start(t)
	b, err := bus.New(t.Context(), nc, bus.Options{Unit: "provisioner", Log: zerolog.Nop()})
	require.NoError(t, err)
	s, err := New(cfg, service.Deps{Bus: b})
	require.NoError(t, err)
	r := bus.NewRouter("provisioner")
	s.Register(r)
	require.NoError(t, r.Err())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, r) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-done) })
	plans, err := store.Open[record.Plan](t.Context(), b.JetStream(), record.Clusters)
	require.NoError(t, err)
	return b, plans
}

func await(t *testing.T, plans *store.Bucket[record.Plan], key string) record.Plan {
	t.Helper()
	var p record.Plan
	require.Eventually(t, func() bool {
		var err error
		p, err = plans.Get(t.Context(), key)
		return err == nil && p.Phase.Terminal()
	}, time.Minute, 20*time.Millisecond)
	return p
}

func example(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../examples/cluster.yaml")
	require.NoError(t, err)
	return string(data)
}

func TestPlansTheExample(t *testing.T) {
	cfg := DefaultConfig()
	cfg.AWSEndpoint = mototest.Start(t)
	b, plans := run(t, cfg)
	for _, id := range []string{"p1", "p2"} {
		require.NoError(t, b.Emit(t.Context(), events.PlanRequested{Name: "demo", PlanID: id, Spec: example(t)}, bus.Key(id)))
	}
	p1, p2 := await(t, plans, "demo.p1"), await(t, plans, "demo.p2")
	require.Equal(t, record.Succeeded, p1.Phase, p1.Reason)
	require.Equal(t, "us-east-1", p1.Region)
	require.Greater(t, p1.Monthly, 500.0)
	machines := 0
	for _, r := range p1.Resources {
		require.Equal(t, "create", r.Action)
		if strings.HasPrefix(r.Key, "control-plane/") {
			machines++
		}
	}
	require.Equal(t, 3, machines)
	p2.ID, p2.CreatedAt = p1.ID, p1.CreatedAt
	require.Equal(t, p1, p2, "the same plan, with the owner chosen once")
}

func TestFailuresAreSaid(t *testing.T) {
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>`))
	}))
	t.Cleanup(refuses.Close)
	cfg := DefaultConfig()
	cfg.AWSEndpoint, cfg.Attempts = refuses.URL, 1
	b, plans := run(t, cfg)
	for id, test := range map[string]struct{ name, spec, reason string }{
		"field":       {"demo", strings.Replace(example(t), "count: 3", "count: 2", 1), "spec.controlPlane.count: is 2; want 1, 3 or 5"},
		"name":        {"other", example(t), `metadata.name is "demo" and the request is for "other"`},
		"credentials": {"demo", example(t), "sts:GetCallerIdentity: AWS does not accept these credentials (InvalidClientTokenId)"},
	} {
		require.NoError(t, b.Emit(t.Context(), events.PlanRequested{Name: test.name, PlanID: id, Spec: test.spec}, bus.Key(id)))
		p := await(t, plans, record.Key(test.name, id))
		require.Equal(t, record.Failed, p.Phase)
		require.Contains(t, p.Reason, test.reason)
	}
}

// TestDeliveredTwice begins after a crash between the plan and its event.
func TestDeliveredTwice(t *testing.T) {
	cfg := DefaultConfig()
	cfg.AWSEndpoint = "http://127.0.0.1:1" // must not be asked
	b, plans := run(t, cfg)
	made := record.Plan{ID: "p1", Cluster: "demo", Phase: record.Succeeded, Monthly: 7, Resources: []record.PlanResource{{Key: "vpc", Action: "create"}}}
	require.NoError(t, plans.Put(t.Context(), "demo.p1", made))
	require.NoError(t, b.Emit(t.Context(), events.PlanRequested{Name: "demo", PlanID: "p1", Spec: example(t)}, bus.Key("p1")))
	announced := events.InfrastructurePlanned{}.EventType()
	require.Eventually(t, func() bool {
		info, err := b.JetStream().Stream(t.Context(), bus.StreamEvents)
		if err != nil {
			return false
		}
		m, err := info.GetLastMsgForSubject(t.Context(), announced.NATSFilter())
		return err == nil && m != nil
	}, 20*time.Second, 20*time.Millisecond)
	p, err := plans.Get(t.Context(), "demo.p1")
	require.NoError(t, err)
	require.Equal(t, made, p)
}

func TestConfig(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	for field, change := range map[string]func(*Config){
		"aws_endpoint": func(c *Config) { c.AWSEndpoint = "localhost" },
		"owner":        func(c *Config) { c.Owner = "a b" },
		"attempts":     func(c *Config) { c.Attempts = 0 },
		"timeout":      func(c *Config) { c.Timeout = 0 },
	} {
		c := DefaultConfig()
		change(c)
		require.ErrorContains(t, c.Validate(), field)
	}
}
