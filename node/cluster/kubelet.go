// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hydra-platform/hydra/libs/sandbox"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// kubeletTunables are the kernel parameters that a kubelet sets for the whole
// machine. The sandbox gives it copies to set.
func kubeletTunables() map[string][]byte {
	out := map[string][]byte{}
	for _, name := range []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"} {
		out["/proc/sys/"+name] = nil
	}
	return out
}

// writeKubelet writes the kubelet's settings and makes the cgroup its pods are in.
func writeKubelet(l layout, ids identities, resolvConf string) (string, error) {
	if err := makeCgroup(l.cgroup()); err != nil {
		return "", err
	}
	config := map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address": l.nodeIP().String(), "port": portKubelet, "healthzPort": portKubeletOK,
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false}, "webhook": map[string]any{"enabled": true},
			"x509": map[string]any{"clientCAFile": ids.ca.certFile},
		},
		"authorization": map[string]any{"mode": "Webhook"},
		"tlsCertFile":   ids.kubeletServing.certFile, "tlsPrivateKeyFile": ids.kubeletServing.keyFile,
		"clusterDomain": clusterDomain, "clusterDNS": []string{l.nodeIP().String()}, "resolvConf": resolvConf,
		"containerRuntimeEndpoint": "unix://" + containerdSocket,
		"cgroupDriver":             "cgroupfs", "cgroupRoot": "/" + l.cgroup(), "failCgroupV1": false, "failSwapOn": false,
		"maxPods": l.MaxPods, "serializeImagePulls": false, "maxParallelImagePulls": 4,
		// Absolute amounts: a share of a large disk that others fill is not ours to claim.
		"evictionHard":                map[string]string{"memory.available": "100Mi", "nodefs.available": "500Mi", "imagefs.available": "500Mi", "nodefs.inodesFree": "1%"},
		"imageGCHighThresholdPercent": 95, "imageGCLowThresholdPercent": 90, "imageMaximumGCAge": "168h",
		"containerLogMaxSize": "10Mi", "containerLogMaxFiles": 2,
		"volumePluginDir": runDir + "/volume-plugins", "enableProfilingHandler": false,
		"nodeStatusUpdateFrequency": "10s", "nodeStatusReportFrequency": "1m",
	}
	data, err := json.MarshalIndent(config, "", "  ") // JSON is YAML
	if err != nil {
		return "", fmt.Errorf("encode the kubelet's settings: %w", err)
	}
	path := l.path("kubelet.yaml")
	return path, writeFile(path, data, 0o600)
}

// makeCgroup makes the instance's cgroup in every hierarchy. On version 2 the
// controllers have to be handed down from the root first.
func makeCgroup(name string) error {
	roots, err := sandbox.CgroupMounts()
	if err != nil {
		return fmt.Errorf("find cgroups: %w", err)
	}
	for _, root := range roots {
		if controllers, err := os.ReadFile(filepath.Join(root, "cgroup.controllers")); err == nil {
			handDown(root, string(controllers))
		}
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the mode of cgroup directories
			return fmt.Errorf("make cgroup: %w", err)
		}
		// A new cpuset of version 1 has no CPUs and memory nodes until it is told.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			if set, err := os.ReadFile(filepath.Join(root, file)); err == nil {
				_ = os.WriteFile(filepath.Join(dir, file), set, 0o644) //nolint:gosec // a cgroup file, version 2 inherits
			}
		}
	}
	return nil
}

// kubeletReady waits until this kubelet answers and its node is Ready.
func kubeletReady(l layout, client kubernetes.Interface) func(context.Context) error {
	healthy := httpReady(fmt.Sprintf("http://127.0.0.1:%d/healthz", portKubeletOK))
	return func(ctx context.Context) error {
		if err := healthy(ctx); err != nil {
			return err
		}
		node, err := client.CoreV1().Nodes().Get(ctx, l.Instance, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("read node: %w", err)
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady {
				if c.Status == corev1.ConditionTrue {
					return nil
				}
				return fmt.Errorf("node %s is not ready: %s", l.Instance, c.Message)
			}
		}
		return fmt.Errorf("node %s has not said whether it is ready", l.Instance)
	}
}
