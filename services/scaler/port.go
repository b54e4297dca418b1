// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/scaler/replicas"
)

// Replicas is where the number of replicas is read and written.
type Replicas interface {
	// Get returns the number that is asked for. An object that is not there
	// is replicas.ErrNoWorkload; a cluster that is not there yet, replicas.ErrNoCluster.
	Get(ctx context.Context, w record.Workload) (int, error)
	// Set writes the number and changes nothing when it is so already.
	Set(ctx context.Context, w record.Workload, n int) error
	// Autoscaled reports whether an autoscaler of Kubernetes owns the number.
	Autoscaled(ctx context.Context, w record.Workload) (bool, error)
}

var _ Replicas = (*replicas.Cluster)(nil)
