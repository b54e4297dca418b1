// SPDX-License-Identifier: Apache-2.0

package kubewatch

import (
	"context"
	"errors"
	"fmt"
	"net"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/hydra-platform/hydra/parts/entry/translate"
)

// WriteStatus writes what became of the class, the gateway and the routes,
// where that is not what they say already. loadErr is why Caddy did not take
// the configuration, or nil. An object that somebody changed meanwhile is
// left: its change brings the next call.
func (w *Watch) WriteStatus(ctx context.Context, listen string, verdicts []translate.Verdict, loadErr error) error {
	var errs []error
	if o, ok, _ := w.classes.GetStore().GetByKey(translate.GatewayClassName); ok {
		if c, ok := o.(*gateway.GatewayClass); ok && c.Spec.ControllerName == translate.ControllerName {
			errs = append(errs, w.writeClass(ctx, c))
		}
	}
	served := int32(0)
	for _, v := range verdicts {
		if v.Served() {
			served++
		}
		errs = append(errs, w.writeRoute(ctx, v))
	}
	if o, ok, _ := w.gateways.GetStore().GetByKey(translate.GatewayNamespace + "/" + translate.GatewayName); ok {
		if g, ok := o.(*gateway.Gateway); ok && g.Spec.GatewayClassName == translate.GatewayClassName {
			errs = append(errs, w.writeGateway(ctx, g, listen, served, loadErr))
		}
	}
	return errors.Join(errs...)
}

func (w *Watch) writeClass(ctx context.Context, cached *gateway.GatewayClass) error {
	c := cached.DeepCopy()
	set(&c.Status.Conditions, c.Generation, string(gateway.GatewayClassConditionStatusAccepted),
		translate.Finding{OK: true, Reason: string(gateway.GatewayClassReasonAccepted), Message: "served by hydra-entry"})
	if equality.Semantic.DeepEqual(c.Status, cached.Status) {
		return nil
	}
	return outcome("GatewayClass "+c.Name,
		w.client.gateway.Put().Resource("gatewayclasses").Name(c.Name).SubResource("status").Body(c).Do(ctx).Error())
}

func (w *Watch) writeGateway(ctx context.Context, cached *gateway.Gateway, listen string, served int32, loadErr error) error {
	g := cached.DeepCopy()
	programmed := translate.Finding{OK: true, Reason: string(gateway.GatewayReasonProgrammed), Message: "listening on " + listen}
	if loadErr != nil {
		programmed = translate.Finding{Reason: string(gateway.GatewayReasonInvalid), Message: loadErr.Error()}
	}
	accepted := translate.Finding{OK: true, Reason: string(gateway.GatewayReasonAccepted), Message: "served by hydra-entry"}
	set(&g.Status.Conditions, g.Generation, string(gateway.GatewayConditionAccepted), accepted)
	set(&g.Status.Conditions, g.Generation, string(gateway.GatewayConditionProgrammed), programmed)
	if host, _, err := net.SplitHostPort(listen); err == nil {
		kind := gateway.IPAddressType
		g.Status.Addresses = []gateway.GatewayStatusAddress{{Type: &kind, Value: host}}
	}
	listeners := make([]gateway.ListenerStatus, 0, len(g.Spec.Listeners))
	for _, l := range g.Spec.Listeners {
		s := gateway.ListenerStatus{Name: l.Name}
		for _, before := range cached.Status.Listeners {
			if before.Name == l.Name {
				s.Conditions = append(s.Conditions, before.Conditions...)
			}
		}
		if l.Name == translate.ListenerName && l.Protocol == gateway.HTTPProtocolType {
			group := gateway.Group(gateway.GroupName)
			s.SupportedKinds = []gateway.RouteGroupKind{{Group: &group, Kind: "HTTPRoute"}}
			s.AttachedRoutes = served
			set(&s.Conditions, g.Generation, string(gateway.ListenerConditionAccepted), accepted)
			set(&s.Conditions, g.Generation, string(gateway.ListenerConditionProgrammed), programmed)
			set(&s.Conditions, g.Generation, string(gateway.ListenerConditionResolvedRefs),
				translate.Finding{OK: true, Reason: string(gateway.ListenerReasonResolvedRefs), Message: "no references"})
		} else {
			s.SupportedKinds = []gateway.RouteGroupKind{}
			no := translate.Finding{Reason: string(gateway.ListenerReasonUnsupportedProtocol), Message: fmt.Sprintf("only the listener %q with protocol HTTP is served", translate.ListenerName)}
			set(&s.Conditions, g.Generation, string(gateway.ListenerConditionAccepted), no)
			no.Reason = string(gateway.ListenerReasonInvalid)
			set(&s.Conditions, g.Generation, string(gateway.ListenerConditionProgrammed), no)
		}
		listeners = append(listeners, s)
	}
	g.Status.Listeners = listeners
	if equality.Semantic.DeepEqual(g.Status, cached.Status) {
		return nil
	}
	return outcome("Gateway "+g.Name,
		w.client.gateway.Put().Resource("gateways").Namespace(g.Namespace).Name(g.Name).SubResource("status").Body(g).Do(ctx).Error())
}

func (w *Watch) writeRoute(ctx context.Context, v translate.Verdict) error {
	r := v.Route.DeepCopy()
	// What other controllers say of their parents stays.
	var parents []gateway.RouteParentStatus
	for _, p := range r.Status.Parents {
		if p.ControllerName != translate.ControllerName {
			parents = append(parents, p)
		}
	}
	for _, ref := range v.Parents {
		s := gateway.RouteParentStatus{ParentRef: ref, ControllerName: translate.ControllerName}
		for _, before := range r.Status.Parents {
			if before.ControllerName == s.ControllerName && equality.Semantic.DeepEqual(before.ParentRef, ref) {
				s.Conditions = before.Conditions
			}
		}
		set(&s.Conditions, r.Generation, string(gateway.RouteConditionAccepted), v.Accepted)
		set(&s.Conditions, r.Generation, string(gateway.RouteConditionResolvedRefs), v.Resolved)
		parents = append(parents, s)
	}
	r.Status.Parents = parents
	if equality.Semantic.DeepEqual(r.Status, v.Route.Status) {
		return nil
	}
	return outcome(fmt.Sprintf("HTTPRoute %s/%s", r.Namespace, r.Name),
		w.client.gateway.Put().Resource("httproutes").Namespace(r.Namespace).Name(r.Name).SubResource("status").Body(r).Do(ctx).Error())
}

func outcome(what string, err error) error {
	if err == nil || apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("write status of %s: %w", what, err)
}

func set(conditions *[]metav1.Condition, generation int64, kind string, f translate.Finding) {
	status := metav1.ConditionFalse
	if f.OK {
		status = metav1.ConditionTrue
	}
	message := f.Message
	if len(message) > 32768 { // the API's own limit
		message = message[:32768]
	}
	meta.SetStatusCondition(conditions, metav1.Condition{Type: kind, Status: status, ObservedGeneration: generation, Reason: f.Reason, Message: message})
}
