// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/test/journey"
)

// victims are the processes that are killed, told by what stands in their
// command line. "hydra" is JetStream, the registry and all services at once.
var victims = []string{"hydra", "buildkitd", "hydra-node", "kubelet", "kube-apiserver", "containerd", "etcd", "hydra-entry"}

const killings = 10

// Ten commits, and something is killed at a random point after each push. The
// journey of every commit ends as if nothing had happened.
func TestJourneySurvivesKillings(t *testing.T) {
	r := start(t)
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("HYDRA_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err, "HYDRA_SEED")
	}
	fmt.Printf("chaos: HYDRA_SEED=%d repeats this run\n", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	story, client := r.story(t, "chaos")
	require.NoError(t, story.Prepare(t.Context()))
	require.NoError(t, story.First(t.Context()))
	order := random.Perm(killings)
	for i := range killings {
		victim := victims[order[i]%len(victims)]
		delay := time.Duration(random.Int64N(int64(4 * time.Second)))
		sha, _, err := story.Forge.Commit(t.Context(), fmt.Sprintf("Change %d", i), func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "change.go"), fmt.Appendf(nil, "package main\n\nconst change = %d\n", i), 0o600)
		})
		require.NoError(t, err)
		timer := time.NewTimer(delay)
		<-timer.C
		t.Logf("commit %d (%.8s): %s is killed %s after the push", i, sha, victim, delay.Round(time.Millisecond))
		r.kill(t, victim)
		if victim == "hydra" {
			r.up(t)
		}
		begin := time.Now()
		var correlation string
		e, err := story.Watch.Until(t.Context(), "the push", journey.Of(func(c events.ChangeMerged) bool { return c.ChangeID == sha }))
		require.NoError(t, err)
		correlation = journey.Correlation(e)
		done, err := within(t, 4*time.Minute, func(e event.Event) bool {
			return journey.Correlation(e) == correlation && (journey.Name(e) == "service.upgraded" || journey.Name(e) == "rollout.failed")
		}, story)
		require.NoError(t, err, "commit %d, after %s was killed", i, victim)
		require.Equal(t, "service.upgraded", journey.Name(done), "commit %d, after %s was killed: %s", i, victim, done.Data())
		t.Logf("commit %d: upgraded %.1f s after the killing", i, time.Since(begin).Seconds())
	}
	counts(t, client, "chaos", killings+1)

	// No event was lost and none was stored twice.
	perType := map[string]int{}
	for _, e := range story.Watch.All() {
		perType[journey.Name(e)]++
	}
	for _, name := range []string{"change.merged", "build.queued", "artifact.published", "build.finished", "rollout.started"} {
		require.Equal(t, killings+1, perType[name], name)
	}
	require.Equal(t, killings, perType["service.upgraded"])
}

func within(t *testing.T, d time.Duration, match func(event.Event) bool, s *journey.Story) (event.Event, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return s.Watch.Until(ctx, "the end of the journey", match)
}

// kill sends SIGKILL to the victim of this instance and to nothing else.
func (r *running) kill(t *testing.T, victim string) {
	t.Helper()
	state, err := r.Status(t.Context())
	require.NoError(t, err)
	pid := state.PID
	if victim != "hydra" {
		pid = find(t, state.PID, victim)
	}
	require.NotZero(t, pid, "no process %s runs", victim)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil || zombie(pid) }, 20*time.Second, 20*time.Millisecond)
}

// find looks for a program among the descendants of a process. Of several the
// one that is deepest is meant: hydra-node runs below its sandbox's init.
func find(t *testing.T, ancestor int, program string) int {
	t.Helper()
	found, deepest := 0, -1
	dirs, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || !runs(line, program) {
			continue
		}
		depth := 0
		p := pid
		for p > 1 && p != ancestor {
			p = parent(p)
			depth++
		}
		if p == ancestor && depth > deepest {
			found, deepest = pid, depth
		}
	}
	return found
}

// runs tells by the first two words of a command line: hydra-node runs its
// components as `/proc/self/exe kubelet ...`.
func runs(cmdline []byte, program string) bool {
	words := bytes.SplitN(cmdline, []byte{0}, 3)
	name := filepath.Base(string(words[0]))
	if name == "exe" && len(words) > 1 {
		name = string(words[1])
	}
	return name == program
}

func parent(pid int) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(fields[1])
	return ppid
}

func zombie(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return strings.HasPrefix(rest, "Z")
}
