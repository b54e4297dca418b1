// SPDX-License-Identifier: Apache-2.0

// Package natsdtest gives tests a real JetStream of their own.
package natsdtest

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/libs/natsd"
)

// Start runs a server on a free port with its data in a temporary directory
// and returns a connection to it. Both end with the test.
func Start(t testing.TB) (*natsd.Server, *nats.Conn) {
	t.Helper()
	srv, err := natsd.Start(t.Context(), natsd.Config{Dir: t.TempDir(), User: "test", Password: "test-" + t.Name(), Log: zerolog.Nop()})
	require.NoError(t, err)
	t.Cleanup(srv.Stop)
	nc, err := srv.Connect(t.Name())
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return srv, nc
}
