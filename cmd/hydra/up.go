// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/doctor"
	"github.com/hydra-platform/hydra/cmd/hydra/platform"
	"github.com/hydra-platform/hydra/cmd/hydra/term"
)

// upFlags are those of `hydra up`.
type upFlags struct {
	platform.Options
	only, without []string
	portBase      int
	detach        bool
	verbose       bool
	skipChecks    bool
}

func (c *cli) upCommand() *cobra.Command {
	var u upFlags
	cmd := &cobra.Command{
		Use: "up", GroupID: groupPlatform, Short: "Start the whole platform on this machine", Args: args(cobra.NoArgs),
		Long: `Up starts JetStream, an image registry, BuildKit, a Kubernetes node, the HTTP
entry for apps and every service, and keeps them running until Ctrl-C or
"hydra down". All state is in one data directory; starting again goes on with it.
Parts may be replaced by what runs elsewhere.`,
		Example: example("hydra up", "hydra up --detach && hydra status", "hydra up --data-dir /tmp/second --port-base 8000",
			"hydra up --kubeconfig ~/.kube/config --registry registry.example.com:5000",
			"hydra up --only builder --nats-url nats://10.0.0.5:4222 --nats-password-file pw --data-dir /var/lib/builder"),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.up(cmd, u) },
	}
	f := cmd.Flags()
	f.BoolVarP(&u.detach, "detach", "d", false, "go on in the background once everything is ready")
	f.StringSliceVar(&u.only, "only", nil, "run only these services, such as builder,deployer")
	f.StringSliceVar(&u.without, "without", nil, "run all services but these")
	f.IntVar(&u.portBase, "port-base", platform.DefaultPortBase, "ports are counted from here: NATS +42, registry +50, gateway +70, entry +80; 0 takes free ones")
	f.StringSliceVar(&u.GitRoots, "git-root", nil, "`directory` whose repositories may be built by path; may be given again")
	f.StringVar(&u.NATSURL, "nats-url", "", "use this NATS instead of starting JetStream")
	f.StringVar(&u.NATSUser, "nats-user", "", "user for --nats-url; default hydra")
	f.StringVar(&u.NATSPasswordFile, "nats-password-file", "", "`file` with the password for --nats-url")
	f.StringVar(&u.Kubeconfig, "kubeconfig", "", "use the cluster of this `file` instead of starting a node")
	f.StringVar(&u.Registry, "registry", "", "push to this registry, `host:port`, instead of starting one")
	f.StringVar(&u.BuildkitAddr, "buildkit-addr", "", "use this BuildKit, such as tcp://host:1234, instead of starting one")
	f.StringVar(&u.AWSEndpoint, "aws-endpoint", "", "send AWS requests to this `URL`, for an emulator")
	f.StringVar(&u.ConfigFile, "config", "", "configuration of the services, YAML with one section for each")
	f.BoolVarP(&u.verbose, "verbose", "v", false, "show the log as well")
	f.BoolVar(&u.skipChecks, "skip-checks", false, "do not look for what is missing first")
	return cmd
}

func (c *cli) up(cmd *cobra.Command, u upFlags) error {
	ctx := cmd.Context()
	selected, err := platform.SelectUnits(units(), u.only, u.without)
	if err != nil {
		return &usageError{err.Error()}
	}
	opts := u.Options
	opts.DataDir, opts.Units, opts.Version, opts.Timeout = c.dataDir, selected, c.version, c.timeout
	if cmd.Flags().Changed("port-base") {
		if u.portBase < 0 || u.portBase > 65000 {
			return usagef("--port-base %d: want 0 to 65000", u.portBase)
		}
		ports := platform.PortsFrom(u.portBase)
		opts.Ports = &ports
	}
	for _, root := range opts.GitRoots {
		if info, err := os.Stat(root); err != nil || !info.IsDir() {
			return usagef("--git-root %s: want a directory that exists", root)
		}
	}
	dir, err := platform.OpenDir(c.dataDir)
	if err != nil {
		return err
	}
	if state, err := dir.Running(ctx); err == nil {
		return &platform.InUseError{Dir: dir.String(), PID: state.PID}
	}
	if !u.skipChecks {
		if err := c.quickChecks(ctx, opts); err != nil {
			return err
		}
	}
	view := c.newUpView()
	defer view.bar.End()
	if u.detach && os.Getenv(envDetached) == "" {
		return c.detach(ctx, dir, view)
	}
	opts.OnChange = view.change
	opts.LogLevel = zerolog.InfoLevel
	if u.verbose {
		opts.LogTo = zerolog.ConsoleWriter{Out: c.err, TimeFormat: "15:04:05.000", NoColor: !c.print.Color}
	}
	p, err := platform.New(opts)
	if err != nil {
		return err
	}
	stopping := context.AfterFunc(ctx, func() { view.bar.Println("Stopping; Ctrl-C again ends at once") })
	defer stopping()
	go endAtOnce(ctx, view)
	ready, stop := context.WithCancel(ctx)
	defer stop()
	go func() { view.whenReady(ready, dir, !u.detach) }()
	if err := p.Run(ctx); err != nil {
		return err
	}
	view.bar.Println("Stopped")
	return nil
}

// quickChecks is the part of `hydra doctor` without which nothing would start.
func (c *cli) quickChecks(ctx context.Context, opts platform.Options) error {
	var bad []string
	for _, r := range doctor.Quick(ctx, doctor.Options{Platform: opts}) {
		if r.Status == doctor.Fail {
			bad = append(bad, fmt.Sprintf("%s: %s: %s", r.Check, r.Found, r.Fix))
		}
	}
	if len(bad) > 0 {
		return errors.New("this machine is not ready for `hydra up`:\n  " + strings.Join(bad, "\n  ") + "\n  `hydra doctor` shows all checks")
	}
	return nil
}

// upView shows parts as they become ready.
type upView struct {
	print *term.Printer
	bar   *term.Progress
	begun time.Time

	mu    sync.Mutex
	shown map[string]string // guarded by mu: last state shown, by part
	open  []string          // guarded by mu: parts that start, in order
}

func (c *cli) newUpView() *upView {
	return &upView{print: c.print, bar: term.NewProgress(c.err, c.print.Color && term.IsTerminal(c.err), ""), begun: time.Now(), shown: map[string]string{}}
}

// change shows a part that became ready, died or failed; other states are only
// in the spinner's line.
func (v *upView) change(p platform.Part) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.shown[p.Name] == p.State {
		return
	}
	v.shown[p.Name] = p.State
	var open []string
	for _, name := range v.open {
		if name != p.Name {
			open = append(open, name)
		}
	}
	if v.open = open; p.State == "starting" {
		v.open = append(v.open, p.Name)
	}
	if len(v.open) > 0 {
		v.bar.Set("starting " + strings.Join(v.open, ", "))
	} else {
		v.bar.Set("")
	}
	name := fmt.Sprintf("%-10s", p.Name)
	switch p.State {
	case "ready":
		v.bar.Println(fmt.Sprintf("  %s %s %7s  %s", v.print.Good("ready"), name, term.Duration(time.Duration(p.ReadyMS)*time.Millisecond), v.print.Dim(p.Address)))
	case "restarting":
		v.bar.Println(fmt.Sprintf("  %s  %s died, starting it again: %s", v.print.Busy("died"), name, p.Reason))
	case "failed":
		v.bar.Println(fmt.Sprintf("  %s %s %s", v.print.Bad("failed"), name, p.Reason))
	}
}

// whenReady waits for every part and then says how to go on.
func (v *upView) whenReady(ctx context.Context, dir platform.Dir, foreground bool) {
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		if state, err := dir.Running(ctx); err == nil && state.ReadyMS > 0 {
			tick.Stop()
			v.bar.Set("")
			v.welcome(state, dir, foreground)
			return
		}
	}
}

func (v *upView) welcome(s platform.State, dir platform.Dir, foreground bool) {
	v.bar.Println(fmt.Sprintf("\nHydra is ready after %s", v.print.Bold(term.Duration(time.Duration(s.ReadyMS)*time.Millisecond))))
	if s.URL != "" {
		v.bar.Println("  address  " + v.print.Bold(s.URL))
		if token, err := dir.Token(); err == nil {
			v.bar.Println("  token    " + token)
		}
	}
	if s.Entry != "" {
		v.bar.Println("  apps     " + s.Entry)
	}
	v.bar.Println("  data     " + s.DataDir)
	next := "\nNext: hydra project create NAME · hydra app create NAME --repo URL · hydra status"
	if foreground {
		next += " · Ctrl-C stops"
	} else {
		next += " · hydra down stops"
	}
	v.bar.Println(next)
}

// endAtOnce makes the second signal not wait: the kernel ends the children with
// this process. A terminal, or timeout(1), may send one signal twice within
// moments, which is still one.
func endAtOnce(ctx context.Context, view *upView) {
	<-ctx.Done()
	time.Sleep(time.Second)
	again := make(chan os.Signal, 1)
	signal.Notify(again, os.Interrupt, syscall.SIGTERM)
	<-again
	view.bar.Println("Ended at once; the next `hydra up`, or `hydra down`, cleans up")
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}
