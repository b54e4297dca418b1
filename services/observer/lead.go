// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"context"
	"crypto/rand"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/rs/zerolog"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/hydra-platform/hydra/libs/kube"
	"github.com/hydra-platform/hydra/services/observer/telemetryset"
)

// lead keeps the set while this process holds its lease: of two replicas of
// the observer one rolls out, and a release that is left pending is then
// known to be nobody's.
func (r *rollout) lead(ctx context.Context) error {
	for err := r.namespace(ctx); err != nil; err = r.namespace(ctx) {
		zerolog.Ctx(ctx).Debug().Err(err).Msg("namespace of the telemetry set not made, trying again")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	host, _ := os.Hostname() // part of a name for people; the random part makes it one of a kind
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, r.cfg.Namespace, telemetryset.Release,
		r.client.Typed.CoreV1(), r.client.Typed.CoordinationV1(),
		resourcelock.ResourceLockConfig{Identity: host + "-" + rand.Text()[:8]})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
			Lock: lock, Name: telemetryset.Release, ReleaseOnCancel: true,
			LeaseDuration: 10 * time.Second, RenewDeadline: 7 * time.Second, RetryPeriod: 2 * time.Second,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(ctx context.Context) { _ = r.keep(ctx) }, // ends with the lease
				OnStoppedLeading: func() { zerolog.Ctx(ctx).Debug().Msg("lease of the telemetry set ended") },
			},
		})
		if err != nil {
			return err
		}
		elector.Run(klog.NewContext(ctx, logr.Discard())) // what matters is logged by keep
	}
	return ctx.Err()
}

// namespace makes sure that the set's namespace is there: the lease is kept
// in it.
func (r *rollout) namespace(ctx context.Context) error {
	_, err := r.client.Typed.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: r.cfg.Namespace, Labels: map[string]string{kube.LabelManagedBy: kube.FieldManager},
	}}, metav1.CreateOptions{FieldManager: kube.FieldManager})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
