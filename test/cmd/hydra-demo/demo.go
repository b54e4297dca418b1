// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hydra-platform/hydra/test/journey"
)

// marker says that a data directory was made by the demo and may be emptied
// by it.
const marker = "made-by-demo"

func demo(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("hydra-demo", flag.ContinueOnError)
	dataDir := flags.String("data-dir", defaultDataDir(), "data directory of the platform")
	example := flags.String("example", filepath.Join("examples", "apps", "hello-go"), "folder of the example app")
	down := flags.Bool("down", false, "stop the platform at the end and remove its data")
	if err := flags.Parse(args); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	begin := time.Now()
	hydra := journey.Instance{Hydra: filepath.Join(filepath.Dir(program), "hydra"), DataDir: *dataDir, Out: os.Stdout}
	if err := clean(ctx, hydra); err != nil {
		return err
	}
	repositories := filepath.Join(*dataDir, "demo")
	if err := os.MkdirAll(repositories, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*dataDir, marker), nil, 0o600); err != nil {
		return err
	}
	if err := hydra.Up(ctx, "--git-root", repositories); err != nil {
		return err
	}
	client, state, err := hydra.Client(ctx)
	if err != nil {
		return err
	}
	fmt.Println()
	show := newScreen(os.Stdout)
	story := journey.New(journey.Settings{
		Client: client, Entry: state.Ports.Entry, Dir: repositories, Example: *example, Program: program,
		Project: "demo", App: "hello", Tell: show.tell,
	})
	err = story.Run(ctx)
	show.end()
	if err == nil {
		fmt.Println("\nThe story, read back from the stream:")
		err = story.Timeline(ctx, os.Stdout)
	}
	if err != nil {
		return errors.Join(err, fmt.Errorf("the platform still runs: look at %s/logs, and stop it with `bin/hydra down`", *dataDir))
	}
	if *down {
		return hydra.Down(ctx, true)
	}
	token, err := hydra.Token()
	if err != nil {
		return err
	}
	fmt.Printf(`
Done in %s. The platform keeps running.

  web page   %s
  token      %s
  app        %s

Try next:

  bin/hydra events journey -p demo --app hello      the newest commit as a waterfall
  bin/hydra logs hello -p demo --follow             what the app says
  git -C %s commit --allow-empty -m "Again" && git -C %s push origin main

Stop it with: make stop
`, time.Since(begin).Round(time.Second), state.URL, token, story.URL, story.Forge.Work, story.Forge.Work)
	return nil
}

func defaultDataDir() string {
	if dir := os.Getenv("HYDRA_DATA_DIR"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "."
	}
	return filepath.Join(home, ".hydra")
}

// clean stops an earlier demo and removes its data; anybody else's data is
// left alone.
func clean(ctx context.Context, hydra journey.Instance) error {
	entries, err := os.ReadDir(hydra.DataDir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(hydra.DataDir, marker)); err != nil {
		return fmt.Errorf("%s holds an instance that the demo did not make; give the demo another place with HYDRA_DATA_DIR=DIR make demo", hydra.DataDir)
	}
	fmt.Println("Starting clean: the earlier demo is stopped and its data removed.")
	return hydra.Down(ctx, true)
}
