// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
)

// The custom resources of the Gateway API, standard channel, as released in the
// module sigs.k8s.io/gateway-api v1.4.0 (Apache-2.0).
//
//go:embed crds/*.yaml
var crds embed.FS

// manifests are the objects that make DNS and metrics, which run as processes
// of the node, known to the cluster.
//
//go:embed addons.yaml
var manifests string

// applyAddons applies, server side, everything the cluster has from the start.
func applyAddons(l layout, ids identities, client dynamic.Interface) func(context.Context) error {
	return func(ctx context.Context) error {
		objects, err := addons(l, ids)
		if err != nil {
			return err
		}
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(8)
		for _, o := range objects {
			g.Go(func() error { return apply(ctx, client, o) })
		}
		return g.Wait()
	}
}

func addons(l layout, ids identities) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	t, err := template.New("addons.yaml").Option("missingkey=error").Parse(manifests)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's own objects: %w", err)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, map[string]any{
		"nodeIP": l.nodeIP().String(), "dnsIP": l.serviceIP(10).String(), "dnsPort": portDNS, "metricsPort": portMetrics,
		"caBundle": base64.StdEncoding.EncodeToString(ids.ca.certPEM),
	}); err != nil {
		return nil, fmt.Errorf("fill in the cluster's own objects: %w", err)
	}
	if all, err = decode(all, &text); err != nil {
		return nil, err
	}
	files, err := fs.Glob(crds, "crds/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the custom resources: %w", err)
	}
	for _, name := range files {
		data, err := crds.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the custom resources: %w", err)
		}
		if all, err = decode(all, bytes.NewReader(data)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}

func decode(into []*unstructured.Unstructured, r io.Reader) ([]*unstructured.Unstructured, error) {
	d := yaml.NewYAMLOrJSONDecoder(r, 4096)
	for {
		var o unstructured.Unstructured
		err := d.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return into, nil
		}
		if err != nil {
			return nil, fmt.Errorf("decode an object: %w", err)
		}
		if len(o.Object) > 0 {
			into = append(into, &o)
		}
	}
}

// resources says under which path the API server has the kinds above.
func resourceOf(gvk schema.GroupVersionKind) (schema.GroupVersionResource, error) {
	name, ok := map[string]string{
		"CustomResourceDefinition": "customresourcedefinitions", "ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings",
		"RoleBinding": "rolebindings", "Service": "services", "EndpointSlice": "endpointslices", "APIService": "apiservices",
	}[gvk.Kind]
	if !ok {
		return schema.GroupVersionResource{}, fmt.Errorf("apply %s: unknown kind", gvk)
	}
	return gvk.GroupVersion().WithResource(name), nil
}

func apply(ctx context.Context, client dynamic.Interface, o *unstructured.Unstructured) error {
	gvr, err := resourceOf(o.GroupVersionKind())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var at dynamic.ResourceInterface = client.Resource(gvr)
	if ns := o.GetNamespace(); ns != "" {
		at = client.Resource(gvr).Namespace(ns)
	}
	if _, err := at.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: "hydra-node", Force: true}); err != nil {
		return fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}
