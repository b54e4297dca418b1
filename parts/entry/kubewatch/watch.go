// SPDX-License-Identifier: Apache-2.0

package kubewatch

import (
	"context"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

const byService = "service"

// Watch holds the newest state of the cluster.
type Watch struct {
	client *Client

	classes, gateways, routes, services, slices cache.SharedIndexInformer
}

// NewWatch prepares the caches; Run fills them.
//
// endpoints is called with the name, "namespace/name", of each Service whose
// instances may have changed; routes after a change of anything else. Both
// are called from the caches' own goroutines and must be quick.
func NewWatch(c *Client, endpoints func(service string), routes func()) (*Watch, error) {
	w := &Watch{
		client:   c,
		classes:  informer(c.gateway, "gatewayclasses", &gateway.GatewayClass{}, nil),
		gateways: informer(c.gateway, "gateways", &gateway.Gateway{}, nil),
		routes:   informer(c.gateway, "httproutes", &gateway.HTTPRoute{}, nil),
		services: informer(c.core, "services", &core.Service{}, nil),
		slices: informer(c.discovery, "endpointslices", &discovery.EndpointSlice{}, cache.Indexers{byService: func(o any) ([]string, error) {
			return []string{serviceOf(o)}, nil
		}}),
	}
	all := func(any) { routes() }
	for _, i := range []cache.SharedIndexInformer{w.classes, w.gateways, w.routes} {
		if _, err := i.AddEventHandler(handler(all, func(_, o any) { routes() }, all)); err != nil {
			return nil, fmt.Errorf("watch routes: %w", err)
		}
	}
	service := func(o any) { endpoints(key(o)); routes() }
	if _, err := w.services.AddEventHandler(handler(service, func(_, o any) { service(o) }, service)); err != nil {
		return nil, fmt.Errorf("watch services: %w", err)
	}
	slice := func(o any) { endpoints(serviceOf(o)) }
	if _, err := w.slices.AddEventHandler(handler(slice, func(_, o any) { slice(o) }, slice)); err != nil {
		return nil, fmt.Errorf("watch endpoints: %w", err)
	}
	return w, nil
}

func handler(add func(any), update func(before, after any), remove func(any)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: update, DeleteFunc: func(o any) {
		if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = gone.Obj
		}
		remove(o)
	}}
}

func informer(c rest.Interface, resource string, kind runtime.Object, indexers cache.Indexers) cache.SharedIndexInformer {
	i := cache.NewSharedIndexInformer(cache.NewListWatchFromClient(c, resource, metav1.NamespaceAll, fields.Everything()), kind, 0, indexers)
	// Nothing here reads these, and they are most of an object's size.
	_ = i.SetTransform(func(o any) (any, error) { // fails only after the start
		if m, err := meta.Accessor(o); err == nil {
			m.SetManagedFields(nil)
			m.SetAnnotations(nil)
		}
		return o, nil
	})
	return i
}

// Run fills the caches until ctx ends; synced is called when they have
// everything there was at the start.
func (w *Watch) Run(ctx context.Context, synced func()) {
	done := make(chan struct{}, 5)
	all := []cache.SharedIndexInformer{w.classes, w.gateways, w.routes, w.services, w.slices}
	var ready []cache.InformerSynced
	for _, i := range all {
		ready = append(ready, i.HasSynced)
		go func() { i.Run(ctx.Done()); done <- struct{}{} }()
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case <-ctx.Done():
			waiting = false
		case <-tick.C:
			waiting = false
			for _, r := range ready {
				waiting = waiting || !r()
			}
			if !waiting {
				synced()
			}
		}
	}
	for range all {
		<-done
	}
}

// Routes lists all HTTPRoutes. They are shared and must not be changed.
func (w *Watch) Routes() []*gateway.HTTPRoute {
	var out []*gateway.HTTPRoute
	for _, o := range w.routes.GetStore().List() {
		if r, ok := o.(*gateway.HTTPRoute); ok && r.DeletionTimestamp == nil {
			out = append(out, r)
		}
	}
	return out
}

// Service returns a Service by "namespace/name", or nil, with its slices.
func (w *Watch) Service(name string) (*core.Service, []*discovery.EndpointSlice) {
	o, _, err := w.services.GetStore().GetByKey(name)
	if err != nil || o == nil {
		return nil, nil
	}
	s, ok := o.(*core.Service)
	if !ok {
		return nil, nil
	}
	var out []*discovery.EndpointSlice
	found, err := w.slices.GetIndexer().ByIndex(byService, name)
	if err != nil {
		return s, nil
	}
	for _, o := range found {
		if slice, ok := o.(*discovery.EndpointSlice); ok {
			out = append(out, slice)
		}
	}
	return s, out
}

func key(o any) string {
	m, err := meta.Accessor(o)
	if err != nil {
		return ""
	}
	return m.GetNamespace() + "/" + m.GetName()
}

func serviceOf(o any) string {
	m, err := meta.Accessor(o)
	if err != nil {
		return ""
	}
	return m.GetNamespace() + "/" + m.GetLabels()[discovery.LabelServiceName]
}
