// SPDX-License-Identifier: Apache-2.0

package supervise_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hydra-platform/hydra/libs/supervise"
	"github.com/stretchr/testify/require"
)

// role, in the environment, makes the test binary one of the processes below.
const role = "SUPERVISE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "sleeper":
		select {}
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		select {}
	case "crasher":
		fmt.Println("cannot open the door")
		os.Exit(3)
	case "parent":
		superviseSleeper()
	}
}

// superviseSleeper supervises one child and prints its process id.
func superviseSleeper() {
	s, err := supervise.New([]supervise.Part{{Name: "sleeper", Cmd: child("sleeper")}}, supervise.OnChange(func(st supervise.Status) {
		if st.State == supervise.Ready {
			fmt.Println(st.PID)
		}
	}))
	if err == nil {
		err = s.Run(context.Background())
	}
	fmt.Println(err)
}

func child(what string) func(context.Context) (*exec.Cmd, error) {
	return func(context.Context) (*exec.Cmd, error) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), role+"="+what)
		return cmd, nil
	}
}

// changes records what a supervisor reports.
type changes struct {
	mu  sync.Mutex
	all []supervise.Status
}

func (c *changes) add(s supervise.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, s)
}

func (c *changes) list(part string, state supervise.State) []supervise.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []supervise.Status
	for _, s := range c.all {
		if s.Name == part && s.State == state {
			out = append(out, s)
		}
	}
	return out
}

// order returns the parts that entered the state, in order.
func (c *changes) order(state supervise.State) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, s := range c.all {
		if s.State == state {
			out = append(out, s.Name)
		}
	}
	return out
}

// start runs a supervisor until the test ends, or until stop is called.
func start(t *testing.T, parts []supervise.Part) (s *supervise.Supervisor, seen *changes, stop func()) {
	t.Helper()
	seen = &changes{}
	s, err := supervise.New(parts, supervise.OnChange(seen.add), supervise.Pauses(10*time.Millisecond, 40*time.Millisecond, time.Minute))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(20 * time.Second):
			require.FailNow(t, "the supervisor does not stop")
		}
	})
	t.Cleanup(stop)
	return s, seen, stop
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func block(ctx context.Context) error { <-ctx.Done(); return nil }

func TestStart(t *testing.T) {
	t.Parallel()
	t.Run("AfterWhatItNeeds", func(t *testing.T) {
		t.Parallel()
		var opened atomic.Bool
		var early atomic.Bool
		s, seen, stop := start(t, []supervise.Part{
			{Name: "third", After: []string{"second"}, Run: block},
			{Name: "second", After: []string{"first"}, Task: func(context.Context) error {
				early.Store(!opened.Load())
				return nil
			}},
			{Name: "first", Run: block, Ready: func(context.Context) error {
				if !opened.Swap(true) {
					return errors.New("not yet")
				}
				return nil
			}},
		})
		require.NoError(t, s.WaitReady(t.Context()))
		require.False(t, early.Load())
		require.Equal(t, []string{"first", "second", "third"}, seen.order(supervise.Ready))
		stop()
		require.Equal(t, []string{"third", "second", "first"}, seen.order(supervise.Stopped))
	})
	t.Run("SetUpBeforeReady", func(t *testing.T) {
		t.Parallel()
		var set atomic.Int64
		s, seen, _ := start(t, []supervise.Part{{
			Name: "a", Cmd: child("sleeper"),
			Started: func(_ context.Context, cmd *exec.Cmd) error { set.Store(int64(cmd.Process.Pid)); return nil },
		}})
		require.NoError(t, s.WaitReady(t.Context()))
		require.EqualValues(t, seen.list("a", supervise.Ready)[0].PID, set.Load())
	})
	t.Run("TooSlowIsADeath", func(t *testing.T) {
		t.Parallel()
		_, seen, _ := start(t, []supervise.Part{{
			Name: "a", Cmd: child("sleeper"), StartTimeout: 50 * time.Millisecond,
			Ready: func(context.Context) error { return errors.New("door is shut") },
		}})
		require.Eventually(t, func() bool { return len(seen.list("a", supervise.Restarting)) > 1 }, 10*time.Second, time.Millisecond)
		require.Contains(t, seen.list("a", supervise.Restarting)[0].Reason, "door is shut")
	})
}

func TestDeath(t *testing.T) {
	t.Parallel()
	t.Run("ChildIsStartedAgainWithItsReason", func(t *testing.T) {
		t.Parallel()
		var log strings.Builder // written by one process at a time
		_, seen, stop := start(t, []supervise.Part{{Name: "a", Cmd: child("crasher"), Log: &log}})
		require.Eventually(t, func() bool { return len(seen.list("a", supervise.Starting)) > 3 }, 10*time.Second, time.Millisecond)
		stop()
		require.Contains(t, log.String(), "cannot open the door")
		died, began := seen.list("a", supervise.Restarting), seen.list("a", supervise.Starting)
		require.Contains(t, died[0].Reason, "exit status 3: cannot open the door")
		require.Equal(t, 2, began[2].Restarts)
		require.Greater(t, began[1].Since.Sub(died[0].Since), 4*time.Millisecond, "no pause")
	})
	t.Run("KilledChildIsReadyAgain", func(t *testing.T) {
		t.Parallel()
		s, seen, stop := start(t, []supervise.Part{{Name: "a", Cmd: child("sleeper")}})
		require.NoError(t, s.WaitReady(t.Context()))
		first := s.Status()[0].PID
		require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
		require.Eventually(t, func() bool { return len(seen.list("a", supervise.Ready)) == 2 }, 10*time.Second, time.Millisecond)
		second := s.Status()[0].PID
		require.NotEqual(t, first, second)
		stop()
		require.False(t, alive(second))
	})
	t.Run("PermanentIsNotTriedAgain", func(t *testing.T) {
		t.Parallel()
		var tries atomic.Int32
		s, _, _ := start(t, []supervise.Part{{Name: "a", Task: func(context.Context) error {
			tries.Add(1)
			return supervise.Permanent(errors.New("no such disk"))
		}}})
		require.ErrorContains(t, s.WaitReady(t.Context()), "no such disk")
		require.EqualValues(t, 1, tries.Load())
	})
	t.Run("TaskIsTriedUntilItSucceeds", func(t *testing.T) {
		t.Parallel()
		var tries atomic.Int32
		s, _, _ := start(t, []supervise.Part{{Name: "a", Task: func(context.Context) error {
			if tries.Add(1) < 3 {
				return errors.New("not yet")
			}
			return nil
		}}})
		require.NoError(t, s.WaitReady(t.Context()))
		require.Equal(t, 2, s.Status()[0].Restarts)
	})
}

func TestStop(t *testing.T) {
	t.Parallel()
	t.Run("KillsWhatIgnoresSIGTERM", func(t *testing.T) {
		t.Parallel()
		said := make(chan struct{})
		s, _, stop := start(t, []supervise.Part{{
			Name: "a", Cmd: child("stubborn"), StopTimeout: 50 * time.Millisecond,
			Log: writerFunc(func([]byte) { close(said) }),
		}})
		<-said
		pid := s.Status()[0].PID
		require.True(t, alive(pid))
		stop()
		require.False(t, alive(pid))
	})
	t.Run("BeforeAnythingIsReady", func(t *testing.T) {
		t.Parallel()
		_, seen, stop := start(t, []supervise.Part{
			{Name: "a", Run: block, Ready: func(context.Context) error { return errors.New("never") }},
			{Name: "b", After: []string{"a"}, Run: block},
		})
		stop()
		require.ElementsMatch(t, []string{"a", "b"}, seen.order(supervise.Stopped))
	})
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

// TestParentKilled kills a supervising process the hard way.
func TestParentKilled(t *testing.T) {
	t.Parallel()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), role+"=parent")
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	require.True(t, alive(pid))
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	require.Eventually(t, func() bool { return gone(pid) }, 5*time.Second, 5*time.Millisecond)
}

// gone is true for a zombie as well: who adopts the orphan may reap it late.
func gone(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(data), ") Z ")
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parts []supervise.Part
		want  string
	}{
		"NoName":      {[]supervise.Part{{Run: block}}, "has no name"},
		"Twice":       {[]supervise.Part{{Name: "a", Run: block}, {Name: "a", Run: block}}, "a is listed twice"},
		"NothingToDo": {[]supervise.Part{{Name: "a"}}, "exactly one of"},
		"TwoKinds":    {[]supervise.Part{{Name: "a", Run: block, Task: block}}, "exactly one of"},
		"Unknown":     {[]supervise.Part{{Name: "a", After: []string{"b"}, Run: block}}, "after b, which is not a part"},
		"Circle":      {[]supervise.Part{{Name: "a", After: []string{"b"}, Run: block}, {Name: "b", After: []string{"a"}, Run: block}}, "waits for itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := supervise.New(c.parts)
			require.ErrorContains(t, err, c.want)
		})
	}
}
