// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"fmt"
	"net/netip"
)

const clusterDomain = "cluster.local"

// writeEtcd writes etcd's settings. Only holders of a certificate of etcd's own
// authority reach it: the API server, and nothing a pod could get hold of.
func writeEtcd(l layout, ids identities) (string, error) {
	tls := map[string]any{"cert-file": ids.etcd.certFile, "key-file": ids.etcd.keyFile, "trusted-ca-file": ids.etcdCA.certFile, "client-cert-auth": true}
	client, peer := fmt.Sprintf("https://127.0.0.1:%d", portEtcd), fmt.Sprintf("https://127.0.0.1:%d", portEtcdPeer)
	config := map[string]any{
		"name": "node", "data-dir": l.path("etcd"), "log-level": "warn",
		"listen-client-urls": client, "advertise-client-urls": client,
		"listen-peer-urls": peer, "initial-advertise-peer-urls": peer, "initial-cluster": "node=" + peer,
		"client-transport-security": tls, "peer-transport-security": tls,
		// One member elects itself: short intervals only make its start faster.
		"heartbeat-interval": 50, "election-timeout": 250,
		"snapshot-count": 5000, "quota-backend-bytes": 2 << 30,
	}
	data, err := json.MarshalIndent(config, "", "  ") // JSON is YAML
	if err != nil {
		return "", fmt.Errorf("encode etcd's settings: %w", err)
	}
	path := l.path("etcd.yaml")
	return path, writeFile(path, data, 0o600)
}

func apiserverArgs(l layout, ids identities, encryption string) []string {
	return []string{
		"kube-apiserver",
		"--advertise-address=" + l.nodeIP().String(), "--bind-address=" + l.nodeIP().String(), fmt.Sprintf("--secure-port=%d", portAPI),
		"--tls-cert-file=" + ids.apiserver.certFile, "--tls-private-key-file=" + ids.apiserver.keyFile, "--cert-dir=" + runDir,
		"--client-ca-file=" + ids.ca.certFile, "--anonymous-auth=false",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
		fmt.Sprintf("--etcd-servers=https://127.0.0.1:%d", portEtcd), "--etcd-cafile=" + ids.etcdCA.certFile,
		"--etcd-certfile=" + ids.etcd.certFile, "--etcd-keyfile=" + ids.etcd.keyFile,
		"--encryption-provider-config=" + encryption,
		"--kubelet-certificate-authority=" + ids.ca.certFile, "--kubelet-preferred-address-types=InternalIP",
		"--kubelet-client-certificate=" + ids.kubeletClient.certFile, "--kubelet-client-key=" + ids.kubeletClient.keyFile,
		"--proxy-client-cert-file=" + ids.frontProxy.certFile, "--proxy-client-key-file=" + ids.frontProxy.keyFile,
		"--requestheader-client-ca-file=" + ids.frontProxyCA.certFile, "--requestheader-allowed-names=front-proxy",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--service-account-issuer=https://kubernetes.default.svc." + clusterDomain,
		"--service-account-key-file=" + ids.serviceAccounts.certFile, "--service-account-signing-key-file=" + ids.serviceAccounts.keyFile,
		"--service-cluster-ip-range=" + l.services.String(), "--profiling=false",
	}
}

func managerArgs(l layout, ids identities) []string {
	kubeconfig := ids.kubeconfigs["kube-controller-manager"]
	return []string{
		"kube-controller-manager",
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", portManager),
		"--tls-cert-file=" + ids.loopback.certFile, "--tls-private-key-file=" + ids.loopback.keyFile,
		"--leader-elect=false", "--use-service-account-credentials=true", "--profiling=false",
		"--service-account-private-key-file=" + ids.serviceAccounts.keyFile, "--root-ca-file=" + ids.ca.certFile,
		"--cluster-signing-cert-file=" + ids.ca.certFile, "--cluster-signing-key-file=" + ids.ca.keyFile,
		"--cluster-cidr=" + l.pods.String(), "--allocate-node-cidrs=false",
		// One node and fresh metrics every ten seconds: react to load at once.
		"--horizontal-pod-autoscaler-sync-period=5s", "--horizontal-pod-autoscaler-initial-readiness-delay=10s",
		"--horizontal-pod-autoscaler-cpu-initialization-period=30s",
	}
}

func schedulerArgs(ids identities) []string {
	kubeconfig := ids.kubeconfigs["kube-scheduler"]
	return []string{
		"kube-scheduler",
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", portScheduler),
		"--tls-cert-file=" + ids.loopback.certFile, "--tls-private-key-file=" + ids.loopback.keyFile,
		"--leader-elect=false", "--profiling=false",
	}
}

func kubeletArgs(l layout, ids identities, config string) []string {
	return []string{
		"kubelet", "--config=" + config, "--kubeconfig=" + ids.kubeconfigs["kubelet"],
		"--hostname-override=" + l.Instance, "--node-ip=" + l.nodeIP().String(), "--root-dir=" + kubeletDir, "--cert-dir=" + runDir,
	}
}

func proxyArgs(l layout, ids identities) []string {
	return []string{
		"kube-proxy", "--kubeconfig=" + ids.kubeconfigs["kube-proxy"], "--hostname-override=" + l.Instance,
		"--proxy-mode=iptables", "--cluster-cidr=" + l.pods.String(), "--conntrack-max-per-core=0", "--conntrack-min=0",
		fmt.Sprintf("--healthz-bind-address=127.0.0.1:%d", portProxy), fmt.Sprintf("--metrics-bind-address=127.0.0.1:%d", portProxyStats),
		"--iptables-min-sync-period=100ms", "--nodeport-addresses=" + netip.PrefixFrom(l.nodeIP(), 32).String() + ",127.0.0.0/8",
	}
}

func metricsArgs(l layout, ids identities) []string {
	kubeconfig := ids.kubeconfigs["metrics-server"]
	return []string{
		"metrics-server",
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=" + l.nodeIP().String(), fmt.Sprintf("--secure-port=%d", portMetrics),
		"--tls-cert-file=" + ids.metrics.certFile, "--tls-private-key-file=" + ids.metrics.keyFile,
		"--kubelet-certificate-authority=" + ids.ca.certFile, "--kubelet-preferred-address-types=InternalIP",
		"--metric-resolution=10s", "--kubelet-request-timeout=5s",
	}
}
