// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hydra-platform/hydra/cmd/hydra/platform"
)

const gib = 1 << 30

// checkSystem: namespaces, mounts and iptables are Linux's and root's.
func checkSystem(_ context.Context, o Options) []Result {
	if runtime.GOOS != "linux" {
		return []Result{{"operating system", Fail, runtime.GOOS, "use a Linux machine, or give --kubeconfig and --buildkit-addr of one"}}
	}
	var u unix.Utsname
	_ = unix.Uname(&u)
	release := unix.ByteSliceToString(u.Release[:])
	out := []Result{{"operating system", OK, "Linux " + release + " " + runtime.GOARCH, ""}}
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err == nil && (major < 4 || major == 4 && minor < 18) {
		out[0] = Result{"operating system", Fail, "Linux " + release, "use a kernel of 4.18 or later"}
	}
	if !o.needsSandbox() {
		return out
	}
	if os.Geteuid() != 0 {
		return append(out, Result{"rights", Fail, "not root", "run it with sudo, or give --kubeconfig and --buildkit-addr"})
	}
	return append(out, Result{"rights", OK, "root", ""})
}

// checkPrograms: what the node and the sandboxes call.
func checkPrograms(_ context.Context, o Options) []Result {
	if !o.needsSandbox() {
		return nil
	}
	var out []Result
	need := map[string]string{"runc": "runc", "iptables": "iptables", "git": "git"}
	order := []string{"runc", "iptables", "git"}
	if o.needsNode() {
		need["containerd"], need["conntrack"] = "containerd", "conntrack"
		order = append([]string{"containerd"}, append(order, "conntrack")...)
	}
	for _, program := range order {
		path, err := exec.LookPath(program)
		if err != nil {
			out = append(out, Result{program, Fail, "not found", "install it: apt-get install -y " + need[program]})
			continue
		}
		out = append(out, Result{program, OK, path, ""})
	}
	if o.needsNode() {
		out = append(out, checkCNI())
	}
	return out
}

func checkCNI() Result {
	for _, dir := range []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"} {
		missing := ""
		for _, plugin := range []string{"ptp", "host-local", "portmap", "loopback"} {
			if _, err := os.Stat(filepath.Join(dir, plugin)); err != nil {
				missing = plugin
			}
		}
		if missing == "" {
			return Result{"CNI plugins", OK, dir, ""}
		}
	}
	return Result{"CNI plugins", Fail, "not found", "install them: apt-get install -y containernetworking-plugins"}
}

// checkBinaries: Hydra's own programs.
func checkBinaries(_ context.Context, o Options) []Result {
	var out []Result
	for _, name := range platform.Binaries() {
		if name == "buildkitd" && !o.needsBuildkit() || name != "buildkitd" && !o.needsNode() {
			continue
		}
		path, err := platform.FindBinary(name, o.Platform.DataDir)
		if err != nil {
			out = append(out, Result{name, Fail, "not built", "run `make build`, or name its directory in HYDRA_BIN"})
			continue
		}
		out = append(out, Result{name, OK, path, ""})
	}
	return out
}

// checkDisk: images and the history need room, and a full disk stops JetStream.
func checkDisk(_ context.Context, o Options) []Result {
	dir := o.Platform.DataDir
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return []Result{{"disk", Warn, err.Error(), "choose a directory that can be read with --data-dir"}}
	}
	free := int64(fs.Bavail) * fs.Bsize //nolint:gosec // no disk is that large
	found := fmt.Sprintf("%.1f GiB free for %s", float64(free)/gib, o.Platform.DataDir)
	switch {
	case free < 2*gib:
		return []Result{{"disk", Fail, found, "make room for 2 GiB, better 10, or choose another disk with --data-dir"}}
	case free < 10*gib:
		return []Result{{"disk", Warn, found, "10 GiB are better: images and build caches grow"}}
	}
	return []Result{{"disk", OK, found, ""}}
}

func checkMemory(context.Context, Options) []Result {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return nil
	}
	var kib int64
	for line := range strings.Lines(string(data)) {
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); err == nil {
			break
		}
	}
	found := fmt.Sprintf("%.1f GiB available", float64(kib)/(1<<20))
	switch {
	case kib < 1<<20:
		return []Result{{"memory", Fail, found, "free 1 GiB, better 3: the Kubernetes node needs most of it"}}
	case kib < 3<<20:
		return []Result{{"memory", Warn, found, "3 GiB are better: builds and apps come on top of the platform"}}
	}
	return []Result{{"memory", OK, found, ""}}
}

// checkCgroups: the kubelet needs these controllers, in either version.
func checkCgroups(_ context.Context, o Options) []Result {
	if !o.needsNode() {
		return nil
	}
	have := map[string]bool{}
	version := "v1"
	if data, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		version = "v2"
		for c := range strings.FieldsSeq(string(data)) {
			have[c] = true
		}
	} else if data, err := os.ReadFile("/proc/cgroups"); err == nil {
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) == 4 && f[3] == "1" {
				have[f[0]] = true
			}
		}
	}
	var missing []string
	for _, c := range []string{"cpu", "cpuset", "memory", "pids"} {
		if !have[c] {
			missing = append(missing, c)
		}
	}
	if len(missing) > 0 {
		return []Result{{"cgroup controllers", Fail, version + " without " + strings.Join(missing, ", "), "enable them; for memory often the kernel parameters cgroup_enable=memory and cgroup_memory=1"}}
	}
	return []Result{{"cgroup controllers", OK, version + " with cpu, cpuset, memory, pids", ""}}
}

// checkKernelLog: the kubelet reads out-of-memory kills from it.
func checkKernelLog(_ context.Context, o Options) []Result {
	if !o.needsNode() {
		return nil
	}
	f, err := os.Open("/dev/kmsg")
	if err != nil {
		return []Result{{"/dev/kmsg", Warn, err.Error(), "in a container pass --device /dev/kmsg: without it apps that run out of memory show no reason"}}
	}
	_ = f.Close()
	return []Result{{"/dev/kmsg", OK, "readable", ""}}
}

func checkPorts(ctx context.Context, o Options) []Result {
	dir, err := platform.OpenDir(o.Platform.DataDir)
	if err != nil {
		return nil
	}
	if s, err := dir.Running(ctx); err == nil {
		return []Result{{"ports", OK, fmt.Sprintf("in use by this very instance (process id %d)", s.PID), ""}}
	}
	ports := platform.PortsFrom(platform.DefaultPortBase)
	if o.Platform.Ports != nil {
		ports = *o.Platform.Ports
	}
	var taken []string
	list := []int{ports.NATS, ports.Registry, ports.Gateway, ports.Entry, ports.EntryMetrics}
	for _, p := range list {
		if err := platform.CheckPort(p); err != nil {
			taken = append(taken, err.Error())
		}
	}
	if len(taken) > 0 {
		return []Result{{"ports", Fail, strings.Join(taken, "; "), "stop what uses them, or choose others with --port-base"}}
	}
	return []Result{{"ports", OK, fmt.Sprintf("%v of 127.0.0.1 are free", list), ""}}
}

// checkNames: apps are reached at <app>.<project>.localhost.
func checkNames(ctx context.Context, _ Options) []Result {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	const name = "app.project.localhost"
	addrs, err := net.DefaultResolver.LookupHost(ctx, name)
	for _, a := range addrs {
		if ip := net.ParseIP(a); ip != nil && ip.IsLoopback() {
			return []Result{{"names below localhost", OK, name + " is " + a, ""}}
		}
	}
	found := name + " is not found"
	if err == nil {
		found = fmt.Sprintf("%s is %v", name, addrs)
	}
	return []Result{{"names below localhost", Warn, found,
		"browsers and curl know them by themselves; for other programs install libnss-myhostname, or send the Host header to 127.0.0.1"}}
}

// checkUpstream: images that nobody seeded come from there.
func checkUpstream(ctx context.Context, _ Options) []Result {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://registry-1.docker.io/v2/", nil)
	if err != nil {
		return nil
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("no answer within 3s")
		}
		return []Result{{"Docker Hub", Warn, err.Error(),
			"Go apps build from the images that `hydra up` makes itself; for others push the base images to Hydra's registry under mirror/docker.io/<name>"}}
	}
	_ = res.Body.Close()
	return []Result{{"Docker Hub", OK, "answers", ""}}
}
