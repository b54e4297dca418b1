// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/hydra-platform/hydra/libs/supervise"
)

// Platform is one instance of Hydra in this process. It is used once.
type Platform struct {
	opts  Options
	dir   Dir
	ports Ports
	log   zerolog.Logger
	began time.Time

	natsPassword string
	token        string
	registry     *registry
	node         *nodeState
	units        *unitStates
	sup          *supervise.Supervisor

	mu      sync.Mutex
	logs    map[string]io.Writer // guarded by mu: by part
	readyAt time.Time            // guarded by mu: when every part had been ready once
	refused map[string]string    // guarded by mu: reasons of parts that failed for good
	changed chan struct{}        // holds one token: state.json is to be written
}

// New prepares an instance: its directory, secrets and ports. The instance's
// data directory belongs to this process from [Platform.Run] on.
func New(opts Options) (*Platform, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	dir, err := OpenDir(opts.DataDir)
	if err != nil {
		return nil, err
	}
	if err := dir.create(); err != nil {
		return nil, err
	}
	if dir, err = OpenDir(opts.DataDir); err != nil { // again: only what exists has a real path
		return nil, err
	}
	p := &Platform{
		opts: opts, dir: dir, node: &nodeState{}, units: newUnitStates(opts.Units),
		logs: map[string]io.Writer{}, refused: map[string]string{}, changed: make(chan struct{}, 1),
	}
	return p, nil
}

// Run starts every part, keeps them running until ctx ends and stops them. It
// returns an error when the instance cannot run at all, or not any more.
func (p *Platform) Run(ctx context.Context) (err error) {
	p.began = time.Now()
	release, err := p.dir.lock()
	if err != nil {
		return err
	}
	defer release()
	if err := p.prepare(); err != nil {
		return err
	}
	// An idle platform holds few live bytes; collecting earlier keeps the
	// process small, and the limit only makes it collect harder under load.
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(512 << 20)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := Sweep(ctx, p.dir); err != nil {
		return fmt.Errorf("clean up after an earlier run: %w", err)
	}
	if p.sup, err = supervise.New(p.parts(), supervise.OnChange(func(s supervise.Status) { p.onChange(s, cancel) })); err != nil {
		return err
	}
	stopControl, err := p.serveControl(func() { cancel(context.Canceled) })
	if err != nil {
		return err
	}
	defer stopControl()
	var wg sync.WaitGroup
	wg.Go(func() { p.keepState(ctx) })
	wg.Go(func() {
		limit, done := context.WithTimeout(ctx, p.opts.Timeout)
		defer done()
		switch err := p.sup.WaitReady(limit); {
		case err == nil:
			p.mu.Lock()
			p.readyAt = time.Now()
			p.mu.Unlock()
			p.touch()
			p.shrink(ctx)
		case ctx.Err() == nil:
			p.log.Warn().Err(err).Msg("not every part is ready")
		}
	})
	err = p.sup.Run(p.log.WithContext(ctx))
	cause := context.Cause(ctx)
	cancel(nil)
	wg.Wait()
	if cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	// A stopped instance leaves nothing on the machine but its data.
	return errors.Join(err, Sweep(context.WithoutCancel(ctx), p.dir), p.writeState())
}

// shrink gives back what only the start needed, now and once more when the
// services have come to rest.
func (p *Platform) shrink(ctx context.Context) {
	for range 2 {
		debug.FreeOSMemory()
		if err := forgetStartup(); err != nil {
			p.log.Debug().Err(err).Msg("memory")
			return
		}
		pause(ctx, 20*time.Second)
	}
}

func (p *Platform) prepare() (err error) {
	file := &lumberjack.Logger{Filename: p.dir.Path("logs", "hydra.log"), MaxSize: 20, MaxBackups: 2}
	out := io.Writer(file)
	if p.opts.LogTo != nil {
		out = zerolog.MultiLevelWriter(file, p.opts.LogTo)
	}
	// Temporary files of a process that is killed stay; here the next one finds
	// and removes them. Children inherit it.
	tmp := p.dir.Path("tmp")
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o700), os.Setenv("TMPDIR", tmp)); err != nil {
		return fmt.Errorf("make a directory for temporary files: %w", err)
	}
	p.log = zerolog.New(out).Level(p.opts.LogLevel).With().Timestamp().Logger()
	if p.ports, err = p.dir.ports(p.opts.Ports); err != nil {
		return err
	}
	if p.natsPassword, err = p.dir.natsPassword(); err != nil {
		return err
	}
	if p.token, err = p.dir.token(); err != nil {
		return err
	}
	p.registry = &registry{port: p.ports.Registry, dir: p.dir.Path("registry")}
	return p.checkPorts()
}

// checkPorts finds a port that somebody else holds before anything is started.
func (p *Platform) checkPorts() error {
	var errs []error
	for _, l := range p.listeners() {
		if err := CheckPort(l.Port); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w: choose other ports with --port-base", l.Part, err))
		}
	}
	return errors.Join(errs...)
}

// Listener is a port of 127.0.0.1 that a part takes.
type Listener struct {
	Part string
	Port int
}

func (p *Platform) listeners() []Listener {
	var out []Listener
	if p.opts.NATSURL == "" {
		out = append(out, Listener{"jetstream", p.ports.NATS})
	}
	if p.hasRegistry() {
		out = append(out, Listener{"registry", p.ports.Registry})
	}
	if p.opts.runs("gateway") {
		out = append(out, Listener{"gateway", p.ports.Gateway})
	}
	if p.hasEntry() {
		out = append(out, Listener{"entry", p.ports.Entry}, Listener{"entry", p.ports.EntryMetrics})
	}
	return out
}

// hasX: what the units in this process need and no option replaces.
func (p *Platform) hasRegistry() bool {
	return p.opts.Registry == "" && p.opts.runs("builder", "deployer")
}
func (p *Platform) hasBuildkit() bool { return p.opts.BuildkitAddr == "" && p.opts.runs("builder") }
func (p *Platform) hasNode() bool {
	return p.opts.Kubeconfig == "" && p.opts.runs("deployer", "observer", "scaler")
}
func (p *Platform) hasEntry() bool { return p.hasNode() && p.opts.runs("deployer") }

// parts lists what runs here. A part waits only for parts that run here too.
func (p *Platform) parts() []supervise.Part {
	var parts []supervise.Part
	add := func(wanted bool, part func() supervise.Part) {
		if wanted {
			parts = append(parts, part())
		}
	}
	add(p.opts.NATSURL == "", p.jetStream)
	add(p.hasRegistry(), p.registryPart)
	add(p.hasBuildkit(), p.buildkitPart)
	add(p.hasRegistry(), p.imagesPart)
	add(p.hasNode(), p.nodePart)
	add(p.hasEntry(), p.entryPart)
	add(true, p.servicesPart)
	for i := range parts {
		parts[i].After = slices.DeleteFunc(parts[i].After, func(name string) bool {
			return !slices.ContainsFunc(parts, func(x supervise.Part) bool { return x.Name == name })
		})
	}
	return parts
}

// onChange must not block and must not call the supervisor.
func (p *Platform) onChange(s supervise.Status, cancel context.CancelCauseFunc) {
	p.log.Info().Str("part", s.Name).Str("state", string(s.State)).Int("restarts", s.Restarts).Str("reason", s.Reason).Msg("part")
	if s.State == supervise.Failed {
		p.mu.Lock()
		p.refused[s.Name] = s.Reason
		p.mu.Unlock()
		if s.Name == "jetstream" {
			cancel(fmt.Errorf("jetstream: %s", s.Reason))
		}
	}
	p.opts.OnChange(p.part(s))
	p.touch()
}

// touch asks for state.json to be written soon.
func (p *Platform) touch() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// keepState writes state.json after each change.
func (p *Platform) keepState(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.changed:
		}
		if err := p.writeState(); err != nil {
			p.log.Warn().Err(err).Msg("state file")
		}
	}
}

func (p *Platform) writeState() error {
	data, err := json.MarshalIndent(p.State(), "", "  ")
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return writeFile(p.dir.statePath(), append(data, '\n'), 0o600)
}

// partLog is logs/<part>.log, at most three times ten megabytes.
func (p *Platform) partLog(part string) io.Writer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.logs[part] == nil {
		p.logs[part] = &lumberjack.Logger{Filename: p.dir.Path("logs", part+".log"), MaxSize: 10, MaxBackups: 2}
	}
	return p.logs[part]
}

// ReadLogTail returns the last lines of a part's log.
func (d Dir) ReadLogTail(part string, lines int) string {
	data, err := os.ReadFile(d.Path("logs", part+".log"))
	if err != nil {
		return ""
	}
	end := len(data)
	for i, n := len(data)-2, 0; i >= 0; i-- {
		if data[i] == '\n' {
			if n++; n == lines {
				return string(data[i+1 : end])
			}
		}
	}
	return string(data)
}

// envInstance marks every child process of an instance, so that what a killed
// `hydra up` left behind can be told from everybody else's processes.
const envInstance = "HYDRA_INSTANCE"

func (p *Platform) childEnv(more ...string) []string {
	return append(append(os.Environ(), envInstance+"="+p.dir.Instance()), more...)
}
