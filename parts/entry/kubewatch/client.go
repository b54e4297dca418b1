// SPDX-License-Identifier: Apache-2.0

package kubewatch

import (
	"context"
	"fmt"
	"os"
	"time"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// Client speaks to the API server about the kinds that the entry needs.
type Client struct {
	core, discovery, gateway rest.Interface
}

// Connect waits for the kubeconfig, the API server and the Gateway API's
// kinds, in this order, until ctx ends: the entry starts beside the cluster.
func Connect(ctx context.Context, kubeconfig string, waiting func(err error)) (*Client, error) {
	var client *Client
	var last string
	err := wait.PollUntilContextCancel(ctx, 250*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		c, err := connect(ctx, kubeconfig)
		if err != nil {
			if text := err.Error(); text != last { // a state is told once
				last = text
				waiting(err)
			}
			return false, nil
		}
		client = c
		return true, nil
	})
	return client, err
}

func connect(ctx context.Context, kubeconfig string) (*Client, error) {
	var cfg *rest.Config
	var err error
	if kubeconfig == "" {
		cfg, err = rest.InClusterConfig()
	} else {
		if _, err := os.Stat(kubeconfig); err != nil {
			return nil, fmt.Errorf("wait for the kubeconfig: %w", err)
		}
		cfg, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
	}
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig %q: %w", kubeconfig, err)
	}
	c, err := NewClient(cfg)
	if err != nil {
		return nil, err
	}
	probe, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := c.gateway.Get().Resource("gatewayclasses").MaxRetries(0).Do(probe).Error(); err != nil {
		return nil, fmt.Errorf("wait for the Gateway API at %s: %w", cfg.Host, err)
	}
	return c, nil
}

// NewClient builds the client from a configuration.
func NewClient(cfg *rest.Config) (*Client, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{core.AddToScheme, discovery.AddToScheme, gateway.Install} {
		utilruntime.Must(add(scheme)) // cannot fail: the kinds are compiled in
	}
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	codecs := serializer.NewCodecFactory(scheme).WithoutConversion()
	group := func(gv schema.GroupVersion, path, contentType string) (rest.Interface, error) {
		c := rest.CopyConfig(cfg)
		c.GroupVersion, c.APIPath, c.NegotiatedSerializer = &gv, path, codecs
		c.ContentType, c.AcceptContentTypes = contentType, contentType
		c.UserAgent, c.QPS, c.Burst = "hydra-entry", 100, 200
		return rest.RESTClientFor(c)
	}
	const protobuf = "application/vnd.kubernetes.protobuf"
	var out Client
	var err error
	if out.core, err = group(core.SchemeGroupVersion, "/api", protobuf); err != nil {
		return nil, fmt.Errorf("build cluster client: %w", err)
	}
	if out.discovery, err = group(discovery.SchemeGroupVersion, "/apis", protobuf); err != nil {
		return nil, fmt.Errorf("build cluster client: %w", err)
	}
	if out.gateway, err = group(schema.GroupVersion(gateway.GroupVersion), "/apis", runtime.ContentTypeJSON); err != nil {
		return nil, fmt.Errorf("build cluster client: %w", err)
	}
	return &out, nil
}
