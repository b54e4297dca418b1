// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func testConfig(t *testing.T) Config {
	t.Helper()
	cfg := DefaultConfig()
	cfg.DataDir, cfg.Block = t.TempDir(), netip.MustParsePrefix("10.208.16.0/20")
	return cfg
}

func TestParseConfig(t *testing.T) {
	t.Parallel()
	good := "instance: demo\ndataDir: /tmp/x\nbase: 10.208.0.0/12\nregistryMirrors:\n  127.0.0.1:5000: [\"http://{host}:5000\"]\n  _default: [\"http://{host}:5000\"]\n"
	cfg, err := ParseConfig(DefaultConfig(), []byte(good))
	require.NoError(t, err)
	require.Equal(t, "demo", cfg.Instance)
	require.Equal(t, 250, cfg.MaxPods, "a default was lost")
	for name, c := range map[string]struct{ text, want string }{
		"UnknownKey": {"instanse: x", `unknown field "instanse"`},
		"Instance":   {"instance: Up", "instance"},
		"DataDir":    {"dataDir: x", "absolute path"},
		"Quote":      {`dataDir: '/a"b'`, "mount options"},
		"Base":       {"base: 10.0.0.0/24", "base"},
		"Block":      {"block: 10.0.0.0/24", "/20"},
		"MaxPods":    {"maxPods: 0", "maxPods"},
		"MirrorHost": {"registryMirrors: {'../x': ['http://a']}", "host:port"},
		"MirrorURL":  {"registryMirrors: {a: ['ftp://a']}", "want http"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseConfig(DefaultConfig(), []byte(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("instance: demo"))
	f.Add([]byte("registryMirrors: {a: [b]}"))
	f.Add([]byte("block: 1.2.3.4/20"))
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := ParseConfig(DefaultConfig(), text)
		if err != nil {
			return
		}
		for host := range cfg.RegistryMirrors {
			require.False(t, strings.ContainsAny(host, "/\\") || host == "..", "a mirror leaves its directory: %q", host)
		}
	})
}

func TestLayout(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	l, err := newLayout(t.Context(), cfg)
	require.NoError(t, err)
	ranges := []netip.Prefix{l.pods, l.services, l.network.Link}
	for i, a := range ranges {
		require.True(t, cfg.Block.Contains(a.Addr()))
		for _, b := range ranges[i+1:] {
			require.False(t, a.Overlaps(b), "%s and %s", a, b)
		}
	}
	require.Equal(t, "10.208.28.2", l.nodeIP().String())
	t.Run("BlockIsFoundAgain", func(t *testing.T) {
		cfg.Block = netip.Prefix{}
		again, err := newLayout(t.Context(), cfg)
		require.NoError(t, err)
		require.Equal(t, l.Block, again.Block)
	})
	t.Run("OtherBlockIsRefused", func(t *testing.T) {
		cfg.Block = netip.MustParsePrefix("10.208.32.0/20")
		_, err := newLayout(t.Context(), cfg)
		require.ErrorContains(t, err, "was made with 10.208.16.0/20")
	})
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	l := layoutOf(testConfig(t))
	now := time.Now()
	first, err := newIdentities(l, now)
	require.NoError(t, err)
	keys, err := filepath.Glob(l.path("pki", "*"))
	require.NoError(t, err)
	for _, path := range append(keys, l.path("admin.kubeconfig")) {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), path)
	}
	t.Run("AreKept", func(t *testing.T) {
		again, err := newIdentities(l, now.Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, first.apiserver.certPEM, again.apiserver.certPEM)
	})
	t.Run("AreRenewedInTime", func(t *testing.T) {
		later, err := newIdentities(l, now.Add(leafLife-renewBefore+time.Hour))
		require.NoError(t, err)
		require.NotEqual(t, first.apiserver.certPEM, later.apiserver.certPEM)
		require.Equal(t, first.ca.certPEM, later.ca.certPEM, "the authority was renewed too early")
		require.NoError(t, later.apiserver.cert.CheckSignatureFrom(later.ca.cert))
	})
	t.Run("AreReplacedWhenHalfWritten", func(t *testing.T) {
		other, err := os.ReadFile(l.path("pki", "ca.key"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(l.path("pki", "kube-proxy.key"), other, 0o600))
		_, err = newIdentities(l, now)
		require.NoError(t, err)
	})
}

func TestMirrors(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.RegistryMirrors = map[string][]string{"127.0.0.1:5000": {"http://{host}:5000"}, "_default": {"http://{host}:5000"}}
	l := layoutOf(cfg)
	require.NoError(t, writeMirrors(l))
	own, err := os.ReadFile(l.path("containerd", "certs.d", "127.0.0.1:5000", "hosts.toml"))
	require.NoError(t, err)
	require.Equal(t, "server = \"http://10.208.28.1:5000\"\n[host.\"http://10.208.28.1:5000\"]\n  capabilities = [\"pull\", \"resolve\"]\n", string(own))
	rest, err := os.ReadFile(l.path("containerd", "certs.d", "_default", "hosts.toml"))
	require.NoError(t, err)
	require.NotContains(t, string(rest), "server =", "the images' own registries are cut off")
}

func TestNameservers(t *testing.T) {
	t.Parallel()
	got := nameservers("# x\nsearch a\nnameserver 127.0.0.53\nnameserver ::1\nnameserver\nnameserver 192.0.2.7 \n")
	require.Equal(t, []netip.Addr{netip.MustParseAddr("192.0.2.7")}, got)
}

func FuzzNameservers(f *testing.F) {
	f.Add("nameserver 127.0.0.53\nnameserver 10.0.0.1")
	f.Fuzz(func(t *testing.T, conf string) {
		for _, a := range nameservers(conf) {
			require.True(t, a.Is4() && !a.IsLoopback())
		}
	})
}

func TestAddons(t *testing.T) {
	t.Parallel()
	l := layoutOf(testConfig(t))
	ids, err := newIdentities(l, time.Now())
	require.NoError(t, err)
	objects, err := addons(l, ids)
	require.NoError(t, err)
	require.Greater(t, len(objects), 10)
	for _, o := range objects {
		_, err := resourceOf(o.GroupVersionKind())
		require.NoError(t, err)
	}
}
