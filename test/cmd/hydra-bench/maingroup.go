// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/test/journey"
)

// mainGroup measures the main job: the start of the platform, its idle memory,
// and the time from a push to the first answer of the new version against the
// same steps by hand.
func mainGroup(ctx context.Context, root string, rounds int) (results []Result, err error) {
	dir, err := os.MkdirTemp("", "hydra-bench-")
	if err != nil {
		return nil, err
	}
	bin, err := filepath.Abs(filepath.Join(root, "bin"))
	if err != nil {
		return nil, err
	}
	hydra := journey.Instance{Hydra: filepath.Join(bin, "hydra"), DataDir: filepath.Join(dir, "data")}
	repositories := filepath.Join(dir, "git")
	defer func() {
		err = errors.Join(err, hydra.Down(context.WithoutCancel(ctx), true), os.RemoveAll(dir))
	}()
	up := func() (float64, error) {
		if err := hydra.Up(ctx, "--port-base", "0", "--git-root", repositories); err != nil {
			return 0, err
		}
		s, err := hydra.Status(ctx)
		return float64(s.ReadyMS) / 1000, err
	}
	if err := os.MkdirAll(repositories, 0o755); err != nil {
		return nil, err
	}
	// The first start makes keys and images; it is not what people wait for
	// every day.
	first, err := up()
	if err != nil {
		return nil, err
	}
	fmt.Printf("first start: %.1f s\n", first)
	var starts []float64
	for range max(2, rounds/2) {
		if err := hydra.Down(ctx, false); err != nil {
			return nil, err
		}
		took, err := up()
		if err != nil {
			return nil, err
		}
		fmt.Printf("hydra up: %.1f s\n", took)
		starts = append(starts, took)
	}
	results = append(results, atMost("hydra up until all parts are ready, built", median(starts), "s", 15))

	idle, err := idleMemory(ctx, hydra)
	if err != nil {
		return nil, err
	}
	results = append(results, atMost("idle memory of all services with JetStream, resident", idle, "MB", 150))

	ours, byHand, err := commitToAnswer(ctx, root, bin, repositories, hydra, rounds)
	if err != nil {
		return nil, err
	}
	return append(results, against("commit to first HTTP 200 of the new version", median(ours), "s", "buildctl build with push, kubectl apply, wait, curl", median(byHand), 1.10)), nil
}

// idleMemory is read after half a minute in which nothing was asked.
func idleMemory(ctx context.Context, hydra journey.Instance) (float64, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(30 * time.Second):
	}
	s, err := hydra.Status(ctx)
	fmt.Printf("idle: %.0f MB\n", float64(s.Memory)/1e6)
	return float64(s.Memory) / 1e6, err
}

// commitToAnswer takes turns: a push to Hydra, then the same change by hand.
func commitToAnswer(ctx context.Context, root, bin, repositories string, hydra journey.Instance, rounds int) (ours, byHand []float64, err error) {
	client, state, err := hydra.Client(ctx)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	example := filepath.Join(root, "examples", "apps", "hello-go")
	story := journey.New(journey.Settings{
		Client: client, Entry: state.Ports.Entry, Dir: repositories, Example: example,
		Program: filepath.Join(bin, "hydra-demo"), Project: "bench", App: "hello",
	})
	if err := story.Prepare(ctx); err != nil {
		return nil, nil, err
	}
	if err := story.First(ctx); err != nil {
		return nil, nil, err
	}
	hand, err := newHand(ctx, bin, root, hydra, story)
	if err != nil {
		return nil, nil, err
	}
	for i := range rounds {
		version := fmt.Sprintf("round%d", i)
		begin := time.Now()
		sha, _, err := story.Forge.Commit(ctx, version, setVersion(version))
		if err != nil {
			return nil, nil, err
		}
		if err := answers(ctx, story.Visitor, story.URL+"/", version); err != nil {
			return nil, nil, err
		}
		ours = append(ours, time.Since(begin).Seconds())
		if _, err := story.Watch.Until(ctx, "the end of the roll-out", journey.Of(func(u events.ServiceUpgraded) bool { return u.State.Revision == i+2 })); err != nil {
			return nil, nil, err
		}
		took, err := hand.round(ctx, "hand"+version)
		if err != nil {
			return nil, nil, err
		}
		byHand = append(byHand, took)
		fmt.Printf("round %d (%.8s): Hydra %.2f s, by hand %.2f s\n", i, sha, ours[i], byHand[i])
	}
	return ours, byHand, nil
}
