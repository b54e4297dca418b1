// SPDX-License-Identifier: Apache-2.0

package kubewatch

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/hydra-platform/hydra/parts/entry/translate"
)

// EnsureGateway applies the class, the namespace and the gateway that routes
// refer to. port is the listener's.
func (c *Client) EnsureGateway(ctx context.Context, port int) error {
	type object = map[string]any
	metadata := func(namespace, name string) object {
		m := object{"name": name, "labels": object{"app.kubernetes.io/managed-by": "hydra"}}
		if namespace != "" {
			m["namespace"] = namespace
		}
		return m
	}
	for _, o := range []struct {
		client                    rest.Interface
		resource, namespace, name string
		body                      object
	}{
		{c.core, "namespaces", "", translate.GatewayNamespace, object{"apiVersion": "v1", "kind": "Namespace"}},
		{c.gateway, "gatewayclasses", "", translate.GatewayClassName, object{
			"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
			"spec": object{"controllerName": translate.ControllerName, "description": "Hydra's own HTTP entry"},
		}},
		{c.gateway, "gateways", translate.GatewayNamespace, translate.GatewayName, object{
			"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
			"spec": object{"gatewayClassName": translate.GatewayClassName, "listeners": []any{object{
				"name": translate.ListenerName, "protocol": "HTTP", "port": port,
				"allowedRoutes": object{"namespaces": object{"from": "All"}},
			}}},
		}},
	} {
		o.body["metadata"] = metadata(o.namespace, o.name)
		body, err := json.Marshal(o.body)
		if err != nil {
			return fmt.Errorf("write %s %s: %w", o.resource, o.name, err)
		}
		request := o.client.Patch(types.ApplyPatchType).Resource(o.resource).Name(o.name)
		if o.namespace != "" {
			request = request.Namespace(o.namespace)
		}
		if err := request.Param("fieldManager", "hydra-entry").Param("force", "true").Body(body).Do(ctx).Error(); err != nil {
			return fmt.Errorf("apply %s %s: %w", o.resource, o.name, err)
		}
	}
	return nil
}
