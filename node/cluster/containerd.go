// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/hydra-platform/hydra/node/pauseimage"
)

// containerdSocket is inside the sandbox: a short path whatever the data
// directory is called, and gone with the sandbox.
const containerdSocket = runDir + "/containerd.sock"

// cniDirs are where distributions put the CNI plugins.
var cniDirs = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni", "/usr/lib/cni/bin"} //nolint:gochecknoglobals // a constant list

// findCNI returns the directory that has every plugin the node uses.
func findCNI(configured string) (string, error) {
	dirs := cniDirs
	if configured != "" {
		dirs = []string{configured}
	}
	for _, dir := range dirs {
		complete := true
		for _, plugin := range []string{"ptp", "host-local", "portmap", "loopback"} {
			if _, err := os.Stat(filepath.Join(dir, plugin)); err != nil {
				complete = false
			}
		}
		if complete {
			return dir, nil
		}
	}
	return "", fmt.Errorf("the CNI plugins ptp, host-local, portmap and loopback are not in %s: install the package containernetworking-plugins or set cniPlugins", strings.Join(dirs, ", "))
}

// writeContainerd writes containerd's settings, the pod network and the
// registry mirrors. Its state is in memory, its images below the data directory.
func writeContainerd(l layout) (configFile string, err error) {
	bin, err := findCNI(l.CNIPlugins)
	if err != nil {
		return "", err
	}
	// Each pod is routed on a link of its own (ptp) rather than bridged: answers
	// of a Service's pods then always pass the node, which has to translate
	// their addresses back, without the kernel module br_netfilter.
	cni := fmt.Sprintf(`{"cniVersion":"0.4.0","name":"hydra","plugins":[
 {"type":"ptp","ipMasq":false,"ipam":{"type":"host-local","dataDir":"%s/cni","ranges":[[{"subnet":"%s"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
`, runDir, l.pods)
	if err := writeFile(l.path("containerd", "cni", "10-hydra.conflist"), []byte(cni), 0o644); err != nil {
		return "", err
	}
	if err := writeMirrors(l); err != nil {
		return "", err
	}
	config := fmt.Sprintf(`version = 2
root = %q
state = "%[2]s/containerd"
oom_score = 0
disabled_plugins = ["io.containerd.internal.v1.restart", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = %[3]q
[ttrpc]
  address = "%[3]s.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "%[2]s/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[4]q
  restrict_oom_score_adj = true
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %[5]q
    conf_dir = %[6]q
    max_conf_num = 1
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = %[7]q
`, l.path("containerd", "root"), runDir, containerdSocket, pauseimage.Name, bin, l.path("containerd", "cni"), l.path("containerd", "certs.d"))
	configFile = l.path("containerd", "config.toml")
	return configFile, writeFile(configFile, []byte(config), 0o600)
}

// writeMirrors writes one hosts.toml for each registry that has mirrors.
// containerd reads them at each pull. For a named registry the mirrors are all
// there is: it is Hydra's own and has no other address. For _default they are
// asked first and the image's own registry after them.
func writeMirrors(l layout) error {
	dir := l.path("containerd", "certs.d")
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clear old mirrors: %w", err)
	}
	for host, mirrors := range l.RegistryMirrors {
		var b strings.Builder
		for i, m := range mirrors {
			m = strings.ReplaceAll(m, hostMark, l.network.HostAddr().String())
			if i == 0 && host != "_default" {
				fmt.Fprintf(&b, "server = %q\n", m)
			}
			fmt.Fprintf(&b, "[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", m)
		}
		if err := writeFile(filepath.Join(dir, host, "hosts.toml"), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// containerdReady asks for the version, which needs the runtime service to be up.
func containerdReady(l layout) func(context.Context) error {
	return func(ctx context.Context) error {
		out, err := exec.CommandContext(ctx, ctr(l), "--address", containerdSocket, "plugins", "ls", "-q").CombinedOutput()
		if err != nil {
			return fmt.Errorf("ask containerd: %w: %s", err, strings.TrimSpace(string(out)))
		}
		return nil
	}
}

// ctr is containerd's own client, installed beside it.
func ctr(l layout) string {
	if strings.ContainsRune(l.Containerd, filepath.Separator) {
		return filepath.Join(filepath.Dir(l.Containerd), "ctr")
	}
	return "ctr"
}

// importPause gives containerd the image of the pods' first container.
func importPause(l layout) func(context.Context) error {
	return func(ctx context.Context) error {
		file, err := os.CreateTemp(runDir, "pause-*.tar")
		if err != nil {
			return fmt.Errorf("write the pause image: %w", err)
		}
		defer func() { _ = os.Remove(file.Name()) }()
		if err := pauseimage.Write(file, runtime.GOARCH); err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return fmt.Errorf("write the pause image: %w", err)
		}
		out, err := exec.CommandContext(ctx, ctr(l), "--address", containerdSocket, "--namespace", "k8s.io", "images", "import", file.Name()).CombinedOutput()
		if err != nil {
			return fmt.Errorf("import the pause image: %w: %s", err, strings.TrimSpace(string(out)))
		}
		return nil
	}
}
