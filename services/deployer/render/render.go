// SPDX-License-Identifier: Apache-2.0

package render

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/kube"
	"github.com/hydra-platform/hydra/services/deployer/oam"
)

// Input is everything that objects are made from.
type Input struct {
	Application *oam.Application
	Project     string
	App         string
	Revision    int
	Image       string        // for components that name none
	Deadline    time.Duration // for the revision to become healthy
	Options     Options
}

// Options are the same for every app.
type Options struct {
	Domain        string // end of every host name, such as localhost
	Scheme        string // of addresses shown to people: http, https
	Port          int    // of those addresses; 0: the scheme's own
	GatewayName   string // to which routes attach
	GatewaySpace  string // its namespace
	CPURequest    string // of a component that says nothing
	MemoryRequest string
	Grace         time.Duration // a serving pod lives on after it left its Service
}

// Object is an object with its place in the order of a roll-out.
type Object struct {
	*unstructured.Unstructured
	Component string
	Wave      int // those of a wave are applied together, once the one before is healthy
}

// Ref names the object in a record.
func (o Object) Ref() record.ObjectRef {
	return record.ObjectRef{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
}

// Output is what an Application becomes.
type Output struct {
	Objects   []Object          // in the order in which to apply them
	Workloads []record.Workload // the one to which Scaling applies comes first
	Scaling   *record.ScalePolicy
	URL       string         // empty: nothing is served
	Initial   map[string]int // replicas at first, by the name of a Deployment that does not fix them

	scaled string // component to which Scaling applies
}

// Host is where an app is reached by default.
func (in Input) Host() string {
	return in.App + "." + in.Project + "." + in.Options.Domain
}

func (in Input) namespace() string { return record.Namespace(in.Project) }

// Error is a mistake in an Application that shows only together with where it
// is to run.
type Error struct{ Component, Message string }

func (e *Error) Error() string { return fmt.Sprintf("component %s: %s", e.Component, e.Message) }

// Application renders the objects. The error is an [*Error].
func Application(in Input) (*Output, error) {
	out := &Output{Initial: map[string]int{}}
	var hosts []string
	for _, c := range in.Application.Components {
		r := &renderer{in: in, component: c, out: out}
		if err := r.render(); err != nil {
			return nil, err
		}
		hosts = append(hosts, r.hosts...)
	}
	slices.SortStableFunc(out.Objects, func(a, b Object) int {
		if a.Wave != b.Wave {
			return a.Wave - b.Wave
		}
		return rank(a.GetKind()) - rank(b.GetKind())
	})
	slices.SortStableFunc(out.Workloads, func(a, b record.Workload) int {
		return boolToInt(b.Component == out.scaled) - boolToInt(a.Component == out.scaled)
	})
	seen := map[record.ObjectRef]string{}
	for _, o := range out.Objects {
		ref := o.Ref()
		ref.APIVersion, _, _ = strings.Cut(ref.APIVersion, "/") // versions of one kind are one object
		if other, ok := seen[ref]; ok {
			return nil, &Error{o.Component, fmt.Sprintf("%s %s is made by component %s already", o.GetKind(), o.GetName(), other)}
		}
		seen[ref] = o.Component
	}
	if len(hosts) > 0 {
		out.URL = in.url(hosts[0])
	}
	return out, nil
}

func (in Input) url(host string) string {
	if p := in.Options.Port; p != 0 && !(p == 80 && in.Options.Scheme == "http") && !(p == 443 && in.Options.Scheme == "https") {
		host = net.JoinHostPort(host, strconv.Itoa(p))
	}
	return in.Options.Scheme + "://" + host
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// rank puts what others need to start before them.
func rank(kind string) int {
	order := []string{
		"ServiceAccount", "Role", "RoleBinding", "Secret", "ConfigMap", "PersistentVolumeClaim", "LimitRange", "NetworkPolicy",
		"Service", "", "Job", "HTTPRoute", "HorizontalPodAutoscaler",
	}
	if i := slices.Index(order, kind); i >= 0 {
		return i
	}
	return slices.Index(order, "")
}

// renderer renders one component.
type renderer struct {
	in        Input
	component oam.Component
	out       *Output
	hosts     []string
}

func (r *renderer) errorf(format string, args ...any) error {
	return &Error{r.component.Name, fmt.Sprintf(format, args...)}
}

func (r *renderer) render() error {
	switch p := r.component.Properties.(type) {
	case *oam.Webservice:
		return r.webservice(p)
	case *oam.Worker:
		return r.worker(p)
	case *oam.Task:
		return r.task(p)
	case *oam.Objects:
		return r.objects(p)
	}
	return r.errorf("type %q has no way to be rendered", r.component.Type)
}

// labels are on each object, selector on each pod and in each selector.
func (r *renderer) labels() map[string]string {
	return map[string]string{
		kube.LabelManagedBy:         "hydra",
		kube.LabelProject:           r.in.Project,
		kube.LabelApp:               r.in.App,
		kube.LabelComponent:         r.component.Name,
		kube.LabelRevision:          strconv.Itoa(r.in.Revision),
		"app.kubernetes.io/name":    r.component.Name,
		"app.kubernetes.io/part-of": r.in.App,
		"app.oam.dev/name":          r.in.App,
		"app.oam.dev/component":     r.component.Name,
	}
}

func (r *renderer) selector() map[string]string {
	return map[string]string{kube.LabelApp: r.in.App, kube.LabelComponent: r.component.Name}
}

// add converts a typed object and puts it into the output.
func (r *renderer) add(object any, workload bool) error {
	data, err := json.Marshal(object)
	if err != nil {
		return r.errorf("encode %T: %v", object, err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(data); err != nil {
		return r.errorf("encode %T: %v", object, err)
	}
	delete(u.Object, "status")
	prune(u.Object)
	r.addUnstructured(u, workload)
	return nil
}

func (r *renderer) addUnstructured(u *unstructured.Unstructured, workload bool) {
	r.out.Objects = append(r.out.Objects, Object{Unstructured: u, Component: r.component.Name, Wave: r.component.Wave})
	if workload {
		r.out.Workloads = append(r.out.Workloads, record.Workload{
			Component: r.component.Name, APIVersion: u.GetAPIVersion(), Kind: u.GetKind(), Name: u.GetName(), Namespace: u.GetNamespace(),
		})
	}
}

// prune drops what typed structs write although nobody set it.
func prune(m map[string]any) {
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			delete(m, k)
		case map[string]any:
			prune(v)
			if k == "resources" && len(v) == 0 || k == "strategy" && len(v) == 0 {
				delete(m, k)
			}
		case []any:
			for _, item := range v {
				if item, ok := item.(map[string]any); ok {
					prune(item)
				}
			}
		}
	}
}

// patch adds a trait's labels or annotations to a workload and its pods.
func patch(target map[string]string, values map[string]*string) map[string]string {
	if target == nil {
		target = map[string]string{}
	}
	for k, v := range values {
		if v == nil {
			delete(target, k)
		} else {
			target[k] = *v
		}
	}
	return target
}
