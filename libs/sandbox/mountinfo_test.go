// SPDX-License-Identifier: Apache-2.0

//go:build linux

package sandbox

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseMount(t *testing.T) {
	t.Parallel()
	m, ok := parseMount(`36 35 98:0 /mnt1 /a\040b rw,noatime master:1 - ext3 /dev/root rw,errors=continue`)
	require.True(t, ok)
	require.Equal(t, mount{point: "/a b", fsType: "ext3"}, m)
	_, ok = parseMount("nonsense")
	require.False(t, ok)
}

func FuzzParseMount(f *testing.F) {
	f.Add(`36 35 98:0 / /a\040b rw shared:1 - cgroup2 none rw`)
	f.Add(`\`)
	f.Add(` - \999`)
	f.Fuzz(func(t *testing.T, line string) {
		m, ok := parseMount(line)
		if ok && (m.point == "" || m.fsType == "") {
			t.Fatalf("a mount without a place or type from %q", line)
		}
		if got := unescape(line); len(got) > len(line) || (!strings.Contains(line, `\`) && got != line) {
			t.Fatalf("unescape %q: %q", line, got)
		}
	})
}
