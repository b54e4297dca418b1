// SPDX-License-Identifier: Apache-2.0

package pauseimage_test

import (
	"bytes"
	"debug/elf"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/hydra-platform/hydra/node/pauseimage"
	"github.com/stretchr/testify/require"
)

func TestExecutable(t *testing.T) {
	t.Parallel()
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		program, err := pauseimage.Executable(arch)
		require.NoError(t, err)
		file, err := elf.NewFile(bytes.NewReader(program))
		require.NoError(t, err)
		require.Equal(t, machine, file.Machine)
		require.Len(t, file.Progs, 1)
		require.EqualValues(t, len(program), file.Progs[0].Filesz)
	}
	_, err := pauseimage.Executable("vax")
	require.ErrorContains(t, err, "vax")
}

// TestRun starts the program of this machine's CPU: it has to be alive and
// asleep, with SIGCHLD ignored, until it is killed.
func TestRun(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the pause program needs Linux")
	}
	program, err := pauseimage.Executable(runtime.GOARCH)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "pause")
	require.NoError(t, os.WriteFile(path, program, 0o700))
	cmd := exec.Command(path)
	require.NoError(t, cmd.Start())
	status := filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "status")
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(status)
		return err == nil && bytes.Contains(data, []byte("State:\tS")) && ignores(data, syscall.SIGCHLD)
	}, 5*time.Second, 5*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait()
	require.Equal(t, syscall.SIGTERM, cmd.ProcessState.Sys().(syscall.WaitStatus).Signal())
}

// ignores reads a signal's bit from /proc/<pid>/status. Other bits may be set
// as well: who runs the test under nohup passes an ignored SIGHUP on.
func ignores(status []byte, signal syscall.Signal) bool {
	_, rest, _ := bytes.Cut(status, []byte("SigIgn:\t"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	mask, err := strconv.ParseUint(string(line), 16, 64)
	return err == nil && mask&(1<<(signal-1)) != 0
}

func TestWrite(t *testing.T) {
	t.Parallel()
	var archive bytes.Buffer
	require.NoError(t, pauseimage.Write(&archive, "amd64"))
	img, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }, nil)
	require.NoError(t, err)
	cfg, err := img.ConfigFile()
	require.NoError(t, err)
	require.Equal(t, []string{"/pause"}, cfg.Config.Entrypoint)
	layers, err := img.Layers()
	require.NoError(t, err)
	require.Len(t, layers, 1)
}
