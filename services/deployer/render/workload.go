// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hydra-platform/hydra/services/deployer/oam"
)

// terminationTime is what a process gets after SIGTERM, as Kubernetes has it.
const terminationTime = 30 * time.Second

func (r *renderer) webservice(w *oam.Webservice) error {
	ports := portsOf(w)
	pod, err := r.pod(&w.Container, ports)
	if err != nil {
		return err
	}
	main := &pod.Spec.Containers[0]
	serving := r.serving(ports)
	if main.ReadinessProbe == nil && serving != 0 {
		main.ReadinessProbe = &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(serving)}},
			PeriodSeconds: 2, TimeoutSeconds: 1, SuccessThreshold: 1, FailureThreshold: 3,
		}
	}
	if serving != 0 && r.in.Options.Grace > 0 {
		seconds := int64(r.in.Options.Grace.Seconds())
		main.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: seconds}}}
		whole := seconds + int64(terminationTime.Seconds())
		pod.Spec.TerminationGracePeriodSeconds = &whole
	}
	if l := w.Limit; l != nil {
		setResource(&main.Resources.Limits, corev1.ResourceCPU, l.CPU)
		setResource(&main.Resources.Limits, corev1.ResourceMemory, l.Memory)
	}
	for _, alias := range w.HostAliases {
		pod.Spec.HostAliases = append(pod.Spec.HostAliases, corev1.HostAlias{IP: alias.IP, Hostnames: alias.Hostnames})
	}
	if w.AddRevisionLabel {
		pod.Labels["app.oam.dev/revision"] = fmt.Sprintf("%s-v%d", r.component.Name, r.in.Revision)
	}
	if err := r.resources(main); err != nil {
		return err
	}
	if err := r.deployment(pod); err != nil {
		return err
	}
	return r.network(ports, corev1.ServiceType(w.ExposeType))
}

func (r *renderer) worker(w *oam.Worker) error {
	pod, err := r.pod(&w.Container, nil)
	if err != nil {
		return err
	}
	if err := r.resources(&pod.Spec.Containers[0]); err != nil {
		return err
	}
	if err := r.deployment(pod); err != nil {
		return err
	}
	return r.network(nil, "")
}

func (r *renderer) deployment(pod corev1.PodTemplateSpec) error {
	deadline := int32(max(r.in.Deadline, 30*time.Second).Seconds())
	history := int32(3)
	none, quarter := intstr.FromInt32(0), intstr.FromString("25%") // rounded up: at least one
	labels, annotations := r.meta(&pod)
	d := appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: r.component.Name, Namespace: r.in.namespace(), Labels: labels, Annotations: annotations},
		Spec: appsv1.DeploymentSpec{
			Selector:                &metav1.LabelSelector{MatchLabels: r.selector()},
			Template:                pod,
			RevisionHistoryLimit:    &history,
			ProgressDeadlineSeconds: &deadline,
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: &none, MaxSurge: &quarter},
			},
		},
	}
	if err := r.replicas(&d); err != nil {
		return err
	}
	return r.add(d, true)
}

func (r *renderer) task(t *oam.Task) error {
	pod, err := r.pod(&t.Container, nil)
	if err != nil {
		return err
	}
	if err := r.resources(&pod.Spec.Containers[0]); err != nil {
		return err
	}
	pod.Spec.RestartPolicy = corev1.RestartPolicy(t.Restart)
	labels, annotations := r.meta(&pod)
	job := batchv1.Job{
		TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("%s-v%d", r.component.Name, r.in.Revision), Namespace: r.in.namespace(), Labels: labels, Annotations: annotations,
		},
		Spec: batchv1.JobSpec{Parallelism: &t.Count, Completions: &t.Count, Template: pod},
	}
	if err := r.add(job, true); err != nil {
		return err
	}
	return r.network(nil, "")
}

// meta returns the labels and annotations of a workload, after the traits
// changed them and those of its pods.
func (r *renderer) meta(pod *corev1.PodTemplateSpec) (labels, annotations map[string]string) {
	labels = r.labels()
	for _, t := range oam.TraitsOf[oam.Labels](r.component) {
		labels, pod.Labels = patch(labels, *t), patch(pod.Labels, *t)
	}
	for _, t := range oam.TraitsOf[oam.Annotations](r.component) {
		annotations, pod.Annotations = patch(annotations, *t), patch(pod.Annotations, *t)
	}
	return labels, annotations
}

// pod renders the template of a component's pods.
func (r *renderer) pod(c *oam.Container, ports []port) (corev1.PodTemplateSpec, error) {
	image := c.Image
	if image == "" {
		image = r.in.Image
	}
	if image == "" {
		return corev1.PodTemplateSpec{}, r.errorf("no image is given and none was built; set properties.image or connect a repository")
	}
	no := false
	container := corev1.Container{
		Name:            r.component.Name,
		Image:           image,
		ImagePullPolicy: corev1.PullPolicy(c.ImagePullPolicy),
		Command:         c.Cmd,
		Args:            c.Args,
		LivenessProbe:   probe(c.LivenessProbe),
		ReadinessProbe:  probe(c.ReadinessProbe),
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: &no,
			Capabilities:             capabilities(ports),
			SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}
	for _, p := range ports {
		container.Ports = append(container.Ports, corev1.ContainerPort{Name: p.name, ContainerPort: p.target, Protocol: p.protocol})
	}
	for _, e := range c.Env {
		container.Env = append(container.Env, envVar(e))
	}
	if err := r.env(&container); err != nil {
		return corev1.PodTemplateSpec{}, err
	}
	for name, quantity := range map[corev1.ResourceName]oam.Quantity{corev1.ResourceCPU: c.CPU, corev1.ResourceMemory: c.Memory} {
		setResource(&container.Resources.Requests, name, quantity)
		setResource(&container.Resources.Limits, name, quantity)
	}
	volumes, mounts := volumes(c)
	container.VolumeMounts = mounts
	spec := corev1.PodSpec{
		Containers:                   []corev1.Container{container},
		Volumes:                      volumes,
		AutomountServiceAccountToken: &no,
		EnableServiceLinks:           &no, // a hundred Services are a thousand variables
	}
	for _, secret := range c.ImagePullSecrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: secret})
	}
	labels := r.labels()
	maps.Copy(labels, c.Labels)
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: maps.Clone(c.Annotations)},
		Spec:       spec,
	}, nil
}

// capabilities are those that a server which starts as root needs to give its
// files and itself to another user. A process that is not root gets none.
func capabilities(ports []port) *corev1.Capabilities {
	add := []corev1.Capability{"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"}
	low := false
	for _, p := range ports {
		low = low || p.target < 1024
	}
	if low {
		add = []corev1.Capability{"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"}
	}
	return &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: add}
}
