// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// identities are the keys of the cluster and its parts.
type identities struct {
	ca, frontProxyCA, etcdCA pair

	apiserver, loopback, metrics, kubeletServing pair // serving
	kubeletClient, frontProxy                    pair // the API server as a client
	etcd                                         pair // server, and the API server towards it
	serviceAccounts                              pair // signs the tokens of pods
	admin                                        pair
	kubeconfigs                                  map[string]string // part to file
}

// users are the parts that talk to the API server, with the names that
// Kubernetes' own roles are bound to.
func (l layout) users() []leaf {
	return []leaf{
		{name: "admin", user: "hydra:admin", groups: []string{"system:masters"}},
		{name: "kube-controller-manager", user: "system:kube-controller-manager"},
		{name: "kube-scheduler", user: "system:kube-scheduler"},
		{name: "kube-proxy", user: "system:kube-proxy"},
		{name: "kubelet", user: "system:node:" + l.Instance, groups: []string{"system:nodes"}},
		{name: "coredns", user: "hydra:coredns"},
		{name: "metrics-server", user: "hydra:metrics-server"},
	}
}

// newIdentities loads or makes every key, and writes the kubeconfig of each user.
func newIdentities(l layout, now time.Time) (identities, error) {
	dir := l.path("pki")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return identities{}, fmt.Errorf("make the key directory: %w", err)
	}
	var ids identities
	for _, a := range []struct {
		into *pair
		name string
	}{{&ids.ca, "ca"}, {&ids.frontProxyCA, "front-proxy-ca"}, {&ids.etcdCA, "etcd-ca"}, {&ids.serviceAccounts, "service-accounts"}} {
		var err error
		if *a.into, err = authority(dir, a.name, now); err != nil {
			return identities{}, err
		}
	}
	local, node := net.IPv4(127, 0, 0, 1), net.IP(l.nodeIP().AsSlice())
	for _, i := range []struct {
		into *pair
		ca   pair
		want leaf
	}{
		{&ids.apiserver, ids.ca, leaf{name: "kube-apiserver", user: "kube-apiserver", dns: []string{
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + clusterDomain, "localhost", l.Instance,
		}, ips: []net.IP{node, local, l.serviceIP(1).AsSlice()}}},
		{&ids.loopback, ids.ca, leaf{name: "loopback", user: "loopback", dns: []string{"localhost"}, ips: []net.IP{local}}},
		{&ids.metrics, ids.ca, leaf{name: "metrics-serving", user: "metrics-server", dns: []string{"metrics-server.kube-system.svc"}, ips: []net.IP{node}}},
		{&ids.kubeletServing, ids.ca, leaf{name: "kubelet-serving", user: "system:node:" + l.Instance, dns: []string{l.Instance}, ips: []net.IP{node, local}}},
		{&ids.kubeletClient, ids.ca, leaf{name: "kubelet-client", user: "hydra:kube-apiserver", groups: []string{"system:masters"}}},
		{&ids.frontProxy, ids.frontProxyCA, leaf{name: "front-proxy", user: "front-proxy"}},
		{&ids.etcd, ids.etcdCA, leaf{name: "etcd", user: "etcd", dns: []string{"localhost"}, ips: []net.IP{local}}},
	} {
		var err error
		if *i.into, err = issue(dir, i.ca, i.want, now); err != nil {
			return identities{}, err
		}
	}
	ids.kubeconfigs = map[string]string{}
	for _, u := range l.users() {
		p, err := issue(dir, ids.ca, u, now)
		if err != nil {
			return identities{}, err
		}
		file := l.path("pki", u.name+".kubeconfig")
		if u.name == "admin" {
			ids.admin, file = p, l.path("admin.kubeconfig")
		}
		if err := writeKubeconfig(file, l, ids.ca, p); err != nil {
			return identities{}, err
		}
		ids.kubeconfigs[u.name] = file
	}
	return ids, nil
}

func writeKubeconfig(path string, l layout, ca, user pair) error {
	cfg := clientcmdapi.NewConfig()
	name := "hydra-" + l.Instance
	cfg.Clusters[name] = &clientcmdapi.Cluster{Server: l.apiURL(), CertificateAuthorityData: ca.certPEM}
	cfg.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: user.certPEM, ClientKeyData: user.keyPEM}
	cfg.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	cfg.CurrentContext = name
	data, err := clientcmd.Write(*cfg)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return writeFile(path, data, 0o600)
}

// encryptionConfig writes, once, the key that secrets are encrypted with in
// etcd, and returns the file.
func encryptionConfig(l layout) (string, error) {
	path := l.path("pki", "encryption.yaml")
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("make the key for secrets: %w", err)
	}
	return path, writeFile(path, fmt.Appendf(nil, `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - secretbox:
          keys:
            - name: key1
              secret: %s
      - identity: {}
`, base64.StdEncoding.EncodeToString(key)), 0o600)
}
