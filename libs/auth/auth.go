// SPDX-License-Identifier: Apache-2.0

// Package auth makes and checks bearer tokens and webhook signatures.
package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// TokenPrefix lets scanners for leaked secrets recognise a token.
const TokenPrefix = "hydra_"

// NewToken returns a token of 128 random bits.
func NewToken() string { return TokenPrefix + rand.Text() }

// Fingerprint is what is stored of a token: one cannot get back from it.
func Fingerprint(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Equal compares two secrets in constant time, whatever their lengths.
func Equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// SignHMAC returns the hex HMAC-SHA256 of body.
func SignHMAC(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// VerifyHMAC checks a hex HMAC-SHA256 over the raw body in constant time.
func VerifyHMAC(secret string, body []byte, signature string) bool {
	given, err := hex.DecodeString(signature)
	if err != nil || len(given) != sha256.Size {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}
