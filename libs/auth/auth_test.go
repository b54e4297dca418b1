// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/libs/auth"
)

func TestTokensDifferAndLeaveOnlyAFingerprint(t *testing.T) {
	t.Parallel()
	a, b := auth.NewToken(), auth.NewToken()
	require.NotEqual(t, a, b)
	require.True(t, strings.HasPrefix(a, auth.TokenPrefix))
	require.Len(t, auth.Fingerprint(a), 64)
	require.NotContains(t, auth.Fingerprint(a), a)
	require.True(t, auth.Equal(a, a))
	require.False(t, auth.Equal(a, b))
	require.False(t, auth.Equal(a, a[:5]))
}

// The vector is GitHub's own, from "Validating webhook deliveries" of its
// documentation.
func TestHMACVector(t *testing.T) {
	t.Parallel()
	const secret, body = "It's a Secret to Everybody", "Hello, World!"
	const signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	require.Equal(t, signature, auth.SignHMAC(secret, []byte(body)))
	require.True(t, auth.VerifyHMAC(secret, []byte(body), signature))
	for name, bad := range map[string]string{
		"Short": signature[:62], "Empty": "", "NoHex": strings.Repeat("z", 64), "Other": strings.Repeat("0", 64), "Long": signature + "00",
	} {
		require.False(t, auth.VerifyHMAC(secret, []byte(body), bad), name)
	}
	require.False(t, auth.VerifyHMAC("other", []byte(body), signature))
	require.False(t, auth.VerifyHMAC(secret, []byte(body+" "), signature))
}
