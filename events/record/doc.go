// SPDX-License-Identifier: Apache-2.0

// Package record is the second half of the contract: what each service keeps
// in its KV bucket for others to read. A bucket has one writer, named in
// [Buckets]; everybody may read. Like events, records only ever gain fields.
package record

// Buckets of the KV store, each written by one service.
const (
	Projects      = "projects"  // gateway
	Webhooks      = "webhooks"  // gateway
	Tokens        = "tokens"    // gateway
	Builds        = "builds"    // builder
	Apps          = "apps"      // deployer
	Releases      = "releases"  // deployer
	Incidents     = "incidents" // observer
	TelemetrySets = "telemetry" // observer
	Loads         = "load"      // observer
	Scaling       = "scaling"   // scaler
	Clusters      = "clusters"  // provisioner
)

// Key joins parts to a KV key, such as "acme.shop".
func Key(parts ...string) string {
	key := parts[0]
	for _, p := range parts[1:] {
		key += "." + p
	}
	return key
}
