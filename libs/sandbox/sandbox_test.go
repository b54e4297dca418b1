// SPDX-License-Identifier: Apache-2.0

//go:build linux

package sandbox_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hydra-platform/hydra/libs/sandbox"
	"github.com/hydra-platform/hydra/libs/sandbox/sandboxtest"
	"github.com/stretchr/testify/require"
)

// envParent makes the test binary a program that runs a sandbox and is killed.
const envParent = "SANDBOX_TEST_PARENT"

func TestMain(m *testing.M) {
	if code, isInit := sandbox.Init(); isInit {
		os.Exit(code)
	}
	if name := os.Getenv(envParent); name != "" {
		os.Exit(parent(name, os.Args[1], os.Args[2]))
	}
	os.Exit(m.Run())
}

// mess is a shell script that makes everything a sandbox has to take back.
const mess = `
set -e
mkdir -p "$1/mnt"
mount -t tmpfs tmpfs "$1/mnt"
ip link add dummy0 type veth peer name dummy1
mkdir -p /run/netns && ip netns add inner
iptables -A INPUT -j ACCEPT
(setsid sleep 1000 &)
for root in /sys/fs/cgroup/memory /sys/fs/cgroup; do
	mkdir -p "$root/$2/pod" 2>/dev/null && break
done
(setsid sh -c 'echo 0 > "$0/pod/cgroup.procs"; exec sleep 1000' "$root/$2" &)
echo 1234 > /proc/sys/kernel/panic
cat /proc/sys/kernel/panic
ip -4 -o addr show eth0
echo ready
exec sleep 1000
`

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("no sandbox here: it needs root")
	}
	for _, program := range []string{"iptables", "ip", "mount"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no sandbox here: %s is not installed", program)
		}
	}
}

func config(t *testing.T, name string) sandbox.Config {
	t.Helper()
	block, err := sandbox.Allocate(t.Context(), netip.MustParsePrefix("10.240.0.0/16"), 28, name)
	require.NoError(t, err)
	return configOf(name, block)
}

func configOf(name string, block netip.Prefix) sandbox.Config {
	return sandbox.Config{
		Name: name, Private: []string{"/run"}, Shadow: map[string][]byte{"/proc/sys/kernel/panic": nil},
		Network: &sandbox.Network{
			Link: netip.PrefixFrom(block.Addr(), 30), Routes: []netip.Prefix{netip.PrefixFrom(block.Addr().Next().Next().Next().Next().Next().Next().Next().Next(), 29)}, Egress: true,
		},
	}
}

// enter starts the mess in a sandbox and returns when it is made.
func enter(ctx context.Context, cfg sandbox.Config, dir string) (*sandbox.Box, *exec.Cmd, []string, error) {
	box, err := sandbox.New(cfg)
	if err != nil {
		return nil, nil, nil, err
	}
	cmd, err := box.Command("sh", "-c", mess, "mess", dir, cfg.Name)
	if err != nil {
		return nil, nil, nil, err
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, nil, err
	}
	if err := box.Attach(ctx, cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, nil, nil, err
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "ready" {
			return box, cmd, said, nil
		}
		said = append(said, lines.Text())
	}
	return nil, nil, nil, fmt.Errorf("the program ended: %w", cmd.Wait())
}

// parent runs a sandbox until it is killed.
func parent(name, dir, block string) int {
	runtime.LockOSThread() // the sandbox lives as long as the thread that made it
	if _, _, _, err := enter(context.Background(), configOf(name, netip.MustParsePrefix(block)), dir); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	select {}
}

func unique(prefix string) string { return fmt.Sprintf("%s-%d", prefix, time.Now().UnixNano()%1e9) }

func marks(name, dir string) []string { return []string{name, sandbox.LinkName(name), dir} }

func leftovers(name, dir string) sandbox.Leftovers {
	return sandbox.Leftovers{Name: name, Cgroups: []string{name}, Dirs: []string{dir}}
}

// kinds are the first words of a snapshot's lines.
func kinds(lines []string) map[string]bool {
	out := map[string]bool{}
	for _, l := range lines {
		kind, _, _ := strings.Cut(l, " ")
		out[kind] = true
	}
	return out
}

func TestBox(t *testing.T) {
	needRoot(t)
	t.Parallel()
	runtime.LockOSThread()
	name, dir := unique("box"), t.TempDir()
	cfg := config(t, name)
	panicBefore, err := os.ReadFile("/proc/sys/kernel/panic")
	require.NoError(t, err)
	t.Cleanup(func() { _ = sandbox.Sweep(context.Background(), leftovers(name, dir)) })
	box, cmd, said, err := enter(t.Context(), cfg, dir)
	require.NoError(t, err)

	require.Equal(t, "1234", said[0], "the copy is not writable")
	panicNow, err := os.ReadFile("/proc/sys/kernel/panic")
	require.NoError(t, err)
	require.Equal(t, string(panicBefore), string(panicNow), "the host's kernel parameter was changed")
	require.Contains(t, said[1], cfg.Network.Addr().String())
	present := kinds(sandboxtest.Snapshot(t, marks(name, dir)...))
	for _, kind := range []string{"process", "link", "route", "iptables", "cgroup"} {
		require.True(t, present[kind], "the test does not see a %s: %v", kind, present)
	}
	require.False(t, present["mount"], "a mount leaked out of the sandbox")
	// The sandbox answers at its address: nothing listens, so it refuses.
	_, err = net.DialTimeout("tcp", net.JoinHostPort(cfg.Network.Addr().String(), "81"), 2*time.Second)
	require.ErrorContains(t, err, "refused")

	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.NoError(t, box.Detach(t.Context()))
	require.NoError(t, sandbox.Sweep(t.Context(), leftovers(name, dir)))
	sandboxtest.Gone(t, marks(name, dir)...)
}

func TestParentKilled(t *testing.T) {
	needRoot(t)
	t.Parallel()
	name, dir := unique("orphan"), t.TempDir()
	block, err := sandbox.Allocate(t.Context(), netip.MustParsePrefix("10.241.0.0/16"), 28, name)
	require.NoError(t, err)
	cmd := exec.Command("/proc/self/exe", dir, block.String())
	cmd.Env = append(os.Environ(), envParent+"="+name)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	require.True(t, kinds(sandboxtest.Snapshot(t, name))["process"])

	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Eventually(t, func() bool { return !kinds(sandboxtest.Snapshot(t, name))["process"] }, 5*time.Second, 10*time.Millisecond, "processes outlived their parent")
	require.NoError(t, sandbox.Sweep(t.Context(), leftovers(name, dir)))
	sandboxtest.Gone(t, marks(name, dir)...)
}

func TestCommand(t *testing.T) {
	needRoot(t)
	t.Parallel()
	run := func(t *testing.T, cfg sandbox.Config, script string) (string, error) {
		t.Helper()
		cfg.Name = unique("cmd")
		box, err := sandbox.New(cfg)
		require.NoError(t, err)
		cmd, err := box.Command("sh", "-c", script)
		require.NoError(t, err)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	t.Run("ExitCodeIsPassedBack", func(t *testing.T) {
		t.Parallel()
		_, err := run(t, sandbox.Config{}, "exit 7")
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		require.Equal(t, 7, exit.ExitCode())
	})
	t.Run("ProcessesOutsideAreNotSeen", func(t *testing.T) {
		t.Parallel()
		out, err := run(t, sandbox.Config{}, "ls -d /proc/[0-9]* | wc -l")
		require.NoError(t, err)
		require.Contains(t, []string{"3", "4"}, out) // the init, the shell, ls, wc
	})
	t.Run("HostsLoopbackIsNotReached", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = l.Close() }()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		out, err := run(t, sandbox.Config{}, "exec 2>&1; bash -c 'echo > /dev/tcp/127.0.0.1/"+port+"'")
		require.Error(t, err)
		require.Contains(t, out, "refused")
	})
	t.Run("PrivateIsEmptyAndKeepIsNot", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "data", "kept"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "kept", "file"), []byte("here"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "hidden"), nil, 0o600))
		data := filepath.Join(dir, "data")
		out, err := run(t, sandbox.Config{
			Private: []string{data}, Keep: []string{data + "/kept"}, Bind: map[string]string{data + "/seen": data + "/kept"},
		}, "cd "+data+" && ls && cat kept/file seen/file && touch stray")
		require.NoError(t, err, out)
		require.Equal(t, "kept\nseen\nherehere", out)
		require.NoFileExists(t, data+"/stray")
	})
}

func TestAttach(t *testing.T) {
	needRoot(t)
	t.Parallel()
	t.Run("RefusesARangeInUse", func(t *testing.T) {
		t.Parallel()
		runtime.LockOSThread()
		name, dir := unique("first"), t.TempDir()
		cfg := config(t, name)
		box, cmd, _, err := enter(t.Context(), cfg, dir)
		require.NoError(t, err)
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			_ = box.Detach(context.Background())
			_ = sandbox.Sweep(context.Background(), leftovers(name, dir))
		})
		second := unique("second")
		cfg.Name = second
		_, _, _, err = enter(t.Context(), cfg, dir)
		require.ErrorContains(t, err, "already in use by "+sandbox.LinkName(name))
		sandboxtest.Gone(t, second, sandbox.LinkName(second))
		block := netip.PrefixFrom(cfg.Network.Link.Addr(), 28).Masked()
		_, err = sandbox.Allocate(t.Context(), block, 28, "x")
		require.ErrorContains(t, err, "all 1 are in use")
	})
}

func TestValidate(t *testing.T) {
	t.Parallel()
	link := netip.MustParsePrefix("10.0.0.0/30")
	for name, c := range map[string]struct {
		cfg  sandbox.Config
		want string
	}{
		"Name":     {sandbox.Config{Name: "A b"}, "sandbox name"},
		"Link":     {sandbox.Config{Name: "a", Network: &sandbox.Network{Link: netip.MustParsePrefix("10.0.0.0/31")}}, "link"},
		"Route":    {sandbox.Config{Name: "a", Network: &sandbox.Network{Link: link, Routes: []netip.Prefix{{}}}}, "route"},
		"Private":  {sandbox.Config{Name: "a", Private: []string{"/"}}, "below /"},
		"Relative": {sandbox.Config{Name: "a", Keep: []string{"x"}}, "absolute"},
		"Shadow":   {sandbox.Config{Name: "a", Shadow: map[string][]byte{"/etc/x": nil}}, "Private directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sandbox.New(c.cfg)
			require.ErrorContains(t, err, c.want)
		})
	}
	require.Len(t, sandbox.LinkName("any-name"), 8)
}
