// SPDX-License-Identifier: Apache-2.0

package deployer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/kube"
)

// Times of the watch over deployed apps.
//
//	unwellFor   an app with some replicas missing is degraded after this long; new ones
//	            need a moment to start. One with none is so at once.
//	sweepEvery  how often that is looked at without a change
const (
	unwellFor  = 20 * time.Second
	sweepEvery = 5 * time.Second
)

// Run keeps the replicas and the status of each app's record as the cluster
// has them, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		client, err := s.deps.Kube.Get()
		if err == nil {
			return s.observe(ctx, client)
		}
		zerolog.Ctx(ctx).Debug().Err(err).Msg("no cluster to watch yet")
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
	}
}

// app names an app in the watch.
type app struct{ project, name string }

// observer collects which apps changed. Informers call it from goroutines of
// their own.
type observer struct {
	mu      sync.Mutex
	changed map[app]bool // guarded by mu
	wake    chan struct{}
}

func (o *observer) note(object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	d, ok := object.(metav1.Object)
	if !ok {
		return
	}
	o.mu.Lock()
	o.changed[app{d.GetLabels()[kube.LabelProject], d.GetLabels()[kube.LabelApp]}] = true
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *observer) take() map[app]bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.changed
	o.changed = map[app]bool{}
	return taken
}

func (s *Service) observe(ctx context.Context, client *kube.Client) error {
	factory := informers.NewSharedInformerFactoryWithOptions(client.Typed, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.LabelSelector = kube.LabelManagedBy + "=hydra," + kube.LabelProject + "," + kube.LabelApp
	}))
	deployments := factory.Apps().V1().Deployments()
	o := &observer{changed: map[app]bool{}, wake: make(chan struct{}, 1)}
	_, err := deployments.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: o.note, UpdateFunc: func(_, d any) { o.note(d) }, DeleteFunc: o.note,
	})
	if err != nil {
		return fmt.Errorf("watch Deployments: %w", err)
	}
	factory.StartWithContext(ctx)
	defer factory.Shutdown()
	if !cache.WaitForCacheSync(ctx.Done(), deployments.Informer().HasSynced) {
		return ctx.Err()
	}
	since := map[app]time.Time{} // from when on an app has too few replicas
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		look := o.take()
		for a := range since {
			look[a] = true
		}
		for a := range look {
			selected := labels.SelectorFromSet(labels.Set{kube.LabelProject: a.project, kube.LabelApp: a.name})
			list, err := deployments.Lister().Deployments(record.Namespace(a.project)).List(selected)
			if err == nil {
				err = s.reflect(ctx, a, list, since)
			}
			if err != nil && !errors.Is(err, errGone) && ctx.Err() == nil {
				zerolog.Ctx(ctx).Warn().Err(err).Str("project", a.project).Str("app", a.name).Msg("app's record is not up to date")
				o.mu.Lock()
				o.changed[a] = true // with the next tick
				o.mu.Unlock()
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-o.wake:
		case <-tick.C:
		}
	}
}

// reflect writes what the Deployments of an app show into its record. While a
// roll-out is under way the status is the roll-out's to say.
func (s *Service) reflect(ctx context.Context, a app, list []*appsv1.Deployment, since map[app]time.Time) error {
	st, err := s.open(ctx)
	if err != nil {
		return err
	}
	ready, wanted := 0, 0
	for _, d := range list {
		ready += int(d.Status.ReadyReplicas)
		if d.Spec.Replicas != nil {
			wanted += int(*d.Spec.Replicas)
		}
	}
	now := s.clock.Now()
	if ready >= wanted {
		delete(since, a)
	} else if since[a].IsZero() {
		since[a] = now
	}
	unwell := ready < wanted && (ready == 0 || now.Sub(since[a]) >= unwellFor)
	_, err = s.updateApp(ctx, st, a.project, a.name, func(r *record.App) {
		r.Replicas, r.Desired = ready, wanted
		switch {
		case r.Status == record.AppHealthy && unwell:
			r.Status, r.Reason = record.AppDegraded, fmt.Sprintf("%d of %d replicas are ready", ready, wanted)
		case r.Status == record.AppDegraded && ready >= wanted:
			r.Status, r.Reason = record.AppHealthy, ""
		}
	})
	if errors.Is(err, errGone) {
		delete(since, a)
	}
	return err
}
