// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"bytes"
	"io"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNodeOutput(t *testing.T) {
	t.Parallel()
	s := &nodeState{}
	s.reset()
	o := &nodeOutput{state: s, log: io.Discard}
	write := func(text string) {
		n, err := o.Write([]byte(text))
		require.NoError(t, err)
		require.Equal(t, len(text), n)
	}
	require.Error(t, s.err())
	write(`{"part":"etcd","state":"restarting","reason":"disk full"}` + "\n" + `{"part":"no`)
	require.ErrorContains(t, s.err(), "etcd is restarting: disk full")
	write("de\",\"state\":\"ready\"}\nnot a line of ours\n")
	require.NoError(t, s.err())
	write(`{"part":"sandbox","state":"restarting","reason":"killed"}` + "\n")
	require.Error(t, s.err(), "a sandbox that died is not ready")
}

func FuzzOutput(f *testing.F) {
	f.Add([]byte(`{"part":"entry","state":"ready"}` + "\n"))
	f.Add([]byte("{\n\n}\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &nodeState{}
		s.reset()
		var log bytes.Buffer
		for _, w := range []io.Writer{&nodeOutput{state: s, log: &log}, &entryOutput{ready: &atomic.Bool{}, log: io.Discard}} {
			if n, err := w.Write(data); n != len(data) || err != nil {
				t.Fatal(n, err)
			}
		}
		if !bytes.Equal(log.Bytes(), data) {
			t.Fatal("the log is not what was written")
		}
	})
}

func TestPortsAreRemembered(t *testing.T) {
	t.Parallel()
	d, err := OpenDir(t.TempDir())
	require.NoError(t, err)
	p, err := d.ports(nil)
	require.NoError(t, err)
	require.Equal(t, PortsFrom(DefaultPortBase), p)
	free, err := d.ports(&Ports{})
	require.NoError(t, err)
	require.Equal(t, p, free, "what images are named after does not change")
	moved, err := d.ports(&Ports{NATS: 1, Registry: 2, Gateway: 3, Entry: 4, EntryMetrics: 5})
	require.NoError(t, err)
	again, err := d.ports(nil)
	require.NoError(t, err)
	require.Equal(t, moved, again)
}

func TestLockNamesTheOwner(t *testing.T) {
	t.Parallel()
	d, err := OpenDir(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, d.create())
	require.Zero(t, d.owner())
	release, err := d.lock()
	require.NoError(t, err)
	_, err = d.lock()
	var used *InUseError
	require.ErrorAs(t, err, &used)
	require.NotZero(t, used.PID)
	require.Error(t, Purge(d), "a directory in use is not deleted")
	release()
	require.Zero(t, d.owner())
	require.NoError(t, Purge(d))
	require.NoDirExists(t, d.String())
}
