// SPDX-License-Identifier: Apache-2.0

package render

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hydra-platform/hydra/services/deployer/oam"
)

func envVar(e oam.EnvVar) corev1.EnvVar {
	v := corev1.EnvVar{Name: e.Name}
	if e.Value != nil {
		v.Value = *e.Value
	}
	if from := e.ValueFrom; from != nil {
		v.ValueFrom = &corev1.EnvVarSource{}
		if s := from.SecretKeyRef; s != nil {
			v.ValueFrom.SecretKeyRef = &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: s.Name}, Key: s.Key}
		}
		if c := from.ConfigMapKeyRef; c != nil {
			v.ValueFrom.ConfigMapKeyRef = &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: c.Name}, Key: c.Key}
		}
	}
	return v
}

// env applies the env traits, in order.
func (r *renderer) env(c *corev1.Container) error {
	for _, t := range oam.TraitsOf[oam.Env](r.component) {
		patches := t.Containers
		if len(patches) == 0 {
			patches = []oam.EnvPatch{t.EnvPatch}
		}
		for _, p := range patches {
			if p.ContainerName != "" && p.ContainerName != c.Name {
				return r.errorf("trait env names container %s; the component's is %s", p.ContainerName, c.Name)
			}
			if p.Replace {
				c.Env = nil
			}
			c.Env = slices.DeleteFunc(c.Env, func(v corev1.EnvVar) bool { return slices.Contains(p.Unset, v.Name) })
			for _, name := range slices.Sorted(maps.Keys(p.Env)) {
				v := corev1.EnvVar{Name: name, Value: p.Env[name]}
				if i := slices.IndexFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name }); i >= 0 {
					c.Env[i] = v
				} else {
					c.Env = append(c.Env, v)
				}
			}
		}
	}
	return nil
}

// resources applies the resource traits and what holds when nothing was said.
func (r *renderer) resources(c *corev1.Container) error {
	for _, t := range oam.TraitsOf[oam.Resource](r.component) {
		requests, limits := t.Requests, t.Limits
		if requests == nil && limits == nil {
			both := oam.Resources{CPU: t.CPU, Memory: t.Memory}
			requests, limits = &both, &both
		}
		if requests != nil {
			setResource(&c.Resources.Requests, corev1.ResourceCPU, requests.CPU)
			setResource(&c.Resources.Requests, corev1.ResourceMemory, requests.Memory)
		}
		if limits != nil {
			setResource(&c.Resources.Limits, corev1.ResourceCPU, limits.CPU)
			setResource(&c.Resources.Limits, corev1.ResourceMemory, limits.Memory)
		}
	}
	for name, text := range map[corev1.ResourceName]string{corev1.ResourceCPU: r.in.Options.CPURequest, corev1.ResourceMemory: r.in.Options.MemoryRequest} {
		request, ok := c.Resources.Requests[name]
		limit, limited := c.Resources.Limits[name]
		if !ok {
			setResource(&c.Resources.Requests, name, oam.Quantity(text))
			request = c.Resources.Requests[name]
			if limited && request.Cmp(limit) > 0 {
				c.Resources.Requests[name] = limit
				request = limit
			}
		}
		if limited && request.Cmp(limit) > 0 {
			return r.errorf("%s limit %s is below the request of %s", name, limit.String(), request.String())
		}
	}
	return nil
}

// setResource sets a quantity that was checked by its shape already.
func setResource(list *corev1.ResourceList, name corev1.ResourceName, quantity oam.Quantity) {
	if quantity == "" {
		return
	}
	parsed, err := resource.ParseQuantity(string(quantity))
	if err != nil {
		return
	}
	if *list == nil {
		*list = corev1.ResourceList{}
	}
	(*list)[name] = parsed
}

func probe(p *oam.Probe) *corev1.Probe {
	if p == nil {
		return nil
	}
	out := &corev1.Probe{
		InitialDelaySeconds: p.InitialDelaySeconds, PeriodSeconds: p.PeriodSeconds, TimeoutSeconds: p.TimeoutSeconds,
		SuccessThreshold: p.SuccessThreshold, FailureThreshold: p.FailureThreshold,
	}
	switch {
	case p.Exec != nil:
		out.Exec = &corev1.ExecAction{Command: p.Exec.Command}
	case p.TCPSocket != nil:
		out.TCPSocket = &corev1.TCPSocketAction{Port: intstr.FromInt32(p.TCPSocket.Port)}
	case p.HTTPGet != nil:
		out.HTTPGet = &corev1.HTTPGetAction{
			Path: p.HTTPGet.Path, Port: intstr.FromInt32(p.HTTPGet.Port), Host: p.HTTPGet.Host, Scheme: corev1.URIScheme(p.HTTPGet.Scheme),
		}
		for _, h := range p.HTTPGet.HTTPHeaders {
			out.HTTPGet.HTTPHeaders = append(out.HTTPGet.HTTPHeaders, corev1.HTTPHeader{Name: h.Name, Value: h.Value})
		}
	}
	return out
}

// volumes returns a volume for each name, and every mount.
func volumes(c *oam.Container) (list []corev1.Volume, mounts []corev1.VolumeMount) {
	add := func(m oam.Mount, source corev1.VolumeSource) {
		mounts = append(mounts, corev1.VolumeMount{Name: m.Name, MountPath: m.MountPath, SubPath: m.SubPath})
		if !slices.ContainsFunc(list, func(v corev1.Volume) bool { return v.Name == m.Name }) {
			list = append(list, corev1.Volume{Name: m.Name, VolumeSource: source})
		}
	}
	if m := c.VolumeMounts; m != nil {
		for _, v := range m.PVC {
			add(v.Mount, claim(v.ClaimName))
		}
		for _, v := range m.ConfigMap {
			add(v.Mount, configMap(v.ConfigMapName, v.DefaultMode, v.Items))
		}
		for _, v := range m.Secret {
			add(v.Mount, secret(v.SecretName, v.DefaultMode, v.Items))
		}
		for _, v := range m.EmptyDir {
			add(v.Mount, corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMedium(v.Medium)}})
		}
		for _, v := range m.HostPath {
			add(v.Mount, corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: v.Path}})
		}
		return list, mounts
	}
	for _, v := range c.Volumes {
		m := oam.Mount{Name: v.Name, MountPath: v.MountPath}
		switch v.Type {
		case "pvc":
			add(m, claim(v.ClaimName))
		case "configMap":
			add(m, configMap(v.ConfigMapName, v.DefaultMode, v.Items))
		case "secret":
			add(m, secret(v.SecretName, v.DefaultMode, v.Items))
		default:
			add(m, corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMedium(v.Medium)}})
		}
	}
	return list, mounts
}

func claim(name string) corev1.VolumeSource {
	return corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}
}

func configMap(name string, mode int32, keys []oam.Item) corev1.VolumeSource {
	return corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, DefaultMode: &mode, Items: items(keys),
	}}
}

func secret(name string, mode int32, keys []oam.Item) corev1.VolumeSource {
	return corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name, DefaultMode: &mode, Items: items(keys)}}
}

func items(keys []oam.Item) []corev1.KeyToPath {
	var out []corev1.KeyToPath
	for _, k := range keys {
		out = append(out, corev1.KeyToPath{Key: k.Key, Path: k.Path, Mode: &k.Mode})
	}
	return out
}
