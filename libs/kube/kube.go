// SPDX-License-Identifier: Apache-2.0

// Package kube gives services the cluster: one set of clients built from a
// kubeconfig, and server-side apply under Hydra's field manager.
package kube

import (
	"context"
	"fmt"
	"os"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// FieldManager owns the fields that Hydra applies.
const FieldManager = "hydra"

// Labels on every object that Hydra makes.
const (
	LabelManagedBy = "app.kubernetes.io/managed-by"
	LabelProject   = "hydra.dev/project"
	LabelApp       = "hydra.dev/app"
	LabelComponent = "hydra.dev/component"
	LabelRevision  = "hydra.dev/revision"
)

// Client is the set of clients for one cluster. It is safe for concurrent use.
type Client struct {
	Config  *rest.Config
	Typed   kubernetes.Interface
	Dynamic dynamic.Interface
	Mapper  *restmapper.DeferredDiscoveryRESTMapper
}

// New builds the clients from a kubeconfig file; an empty path means the
// service account of the pod that this runs in.
func New(kubeconfig string) (*Client, error) {
	var cfg *rest.Config
	var err error
	if kubeconfig == "" {
		cfg, err = rest.InClusterConfig()
	} else {
		cfg, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
	}
	if err != nil {
		return nil, fmt.Errorf("read cluster access %q: %w", kubeconfig, err)
	}
	return NewForConfig(cfg)
}

// NewForConfig builds the clients from a configuration.
func NewForConfig(cfg *rest.Config) (*Client, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.UserAgent = "hydra"
	cfg.QPS, cfg.Burst = 200, 400 // one client serves every app of the cluster
	typed, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("build cluster client: %w", err)
	}
	dyn, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("build cluster client: %w", err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(typed.Discovery()))
	return &Client{Config: cfg, Typed: typed, Dynamic: dyn, Mapper: mapper}, nil
}

// Resource returns the client for the kind and namespace of obj. A kind that
// is not known is looked up once more, because a CRD may be new.
func (c *Client) Resource(obj *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := obj.GroupVersionKind()
	mapping, err := c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		c.Mapper.Reset()
		mapping, err = c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("find kind %s: %w", gvk, err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.Dynamic.Resource(mapping.Resource).Namespace(obj.GetNamespace()), nil
	}
	return c.Dynamic.Resource(mapping.Resource), nil
}

// Apply makes obj so by server-side apply. Fields that somebody else owns are
// taken over: the desired state is Hydra's to say.
func (c *Client) Apply(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	resource, err := c.Resource(obj)
	if err != nil {
		return nil, err
	}
	applied, err := resource.Apply(ctx, obj.GetName(), obj, metav1.ApplyOptions{FieldManager: FieldManager, Force: true})
	if err != nil {
		return nil, fmt.Errorf("apply %s %s/%s: %w", obj.GetKind(), obj.GetNamespace(), obj.GetName(), err)
	}
	return applied, nil
}

// Lazy finds the cluster when it is first needed: services start before the
// cluster that they work on.
type Lazy struct {
	path string

	mu     sync.Mutex
	client *Client // guarded by mu
}

// NewLazy returns access to the cluster of a kubeconfig that need not exist
// yet.
func NewLazy(kubeconfig string) *Lazy { return &Lazy{path: kubeconfig} }

// Get returns the clients, or why there are none yet.
func (l *Lazy) Get() (*Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil {
		return l.client, nil
	}
	if l.path != "" {
		if _, err := os.Stat(l.path); err != nil {
			return nil, fmt.Errorf("the cluster is not ready: %w", err)
		}
	}
	client, err := New(l.path)
	if err != nil {
		return nil, err
	}
	l.client = client
	return client, nil
}
