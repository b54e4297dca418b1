// SPDX-License-Identifier: Apache-2.0

// Package prometheus pins the Prometheus that Hydra's node runs where no
// registry can be reached. The program is upstream's own; only the service
// discoveries that Hydra does not use and the web pages are left out, which
// saves two thirds of its code.
//
//	GOWORK=off CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" \
//	  -tags netgo,remove_all_sd,enable_kubernetes_sd \
//	  -o ../../bin/prometheus github.com/prometheus/prometheus/cmd/prometheus
package prometheus
