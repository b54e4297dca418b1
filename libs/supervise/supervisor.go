// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"
)

// Option adjusts a Supervisor.
type Option func(*Supervisor)

// OnChange calls f at each change of a part's state, one call at a time and in
// the order of the changes. It must not block and must not call the Supervisor.
func OnChange(f func(Status)) Option { return func(s *Supervisor) { s.onChange = f } }

// Pauses sets the first and the longest pause before a part that died is
// started again, and how long it has to be up for the next pause to be the
// first again. Defaults: 200 ms, 15 s, one minute.
func Pauses(first, longest, stable time.Duration) Option {
	return func(s *Supervisor) { s.first, s.longest, s.stable = first, longest, stable }
}

// Supervisor runs a fixed set of parts. It is used once.
type Supervisor struct {
	units    []*unit
	byName   map[string]*unit
	onChange func(Status)

	first, longest, stable time.Duration

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
}

// unit is a part together with its life.
type unit struct {
	Part
	status  Status
	begun   time.Time
	ready   chan struct{} // closed at the first time ready
	isReady sync.Once
	ended   chan struct{} // closed when the part will not run any more
	users   []*unit       // parts that come after this one
}

// New returns a supervisor of the parts, or an error that names the part that
// cannot be ordered.
func New(parts []Part, opts ...Option) (*Supervisor, error) {
	if err := check(parts); err != nil {
		return nil, err
	}
	s := &Supervisor{
		byName: make(map[string]*unit, len(parts)), changed: make(chan struct{}), onChange: func(Status) {},
		first: 200 * time.Millisecond, longest: 15 * time.Second, stable: time.Minute,
	}
	for _, opt := range opts {
		opt(s)
	}
	for _, p := range parts {
		if p.StartTimeout == 0 {
			p.StartTimeout = 2 * time.Minute
		}
		if p.StopTimeout == 0 {
			p.StopTimeout = 5 * time.Second
		}
		u := &unit{Part: p, ready: make(chan struct{}), ended: make(chan struct{})}
		u.status = Status{Name: p.Name, State: Waiting, Since: time.Now()}
		s.units, s.byName[p.Name] = append(s.units, u), u
	}
	for _, u := range s.units {
		for _, dep := range u.After {
			s.byName[dep].users = append(s.byName[dep].users, u)
		}
	}
	return s, nil
}

// Run starts the parts, keeps them running until ctx ends, stops them in
// reverse order and returns nil when the last one has ended.
func (s *Supervisor) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, u := range s.units {
		// A part outlives ctx until the parts that use it have ended.
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		wg.Go(func() {
			<-ctx.Done()
			for _, user := range u.users {
				<-user.ended
			}
			cancel()
		})
		wg.Go(func() {
			defer close(u.ended)
			defer cancel()
			s.keep(ctx, own, u)
		})
	}
	wg.Wait()
	return nil
}

// keep runs one part until its own context ends. starting ends earlier, when
// the supervisor is told to stop: nothing is started or restarted after that.
func (s *Supervisor) keep(starting, own context.Context, u *unit) {
	for _, dep := range u.After {
		select {
		case <-s.byName[dep].ready:
		case <-starting.Done():
			s.set(u, Stopped, "stopped before it was started")
			return
		}
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = s.first, s.longest
	pause.Reset()
	for {
		if starting.Err() != nil {
			s.set(u, Stopped, "")
			return
		}
		began := time.Now()
		err := s.once(starting, own, u)
		switch {
		case err == nil && u.Task != nil:
			<-own.Done() // done for good, but users of the part may still run
			s.set(u, Stopped, "")
			return
		case own.Err() != nil || starting.Err() != nil:
			s.set(u, Stopped, "")
			return
		case isPermanent(err):
			s.set(u, Failed, err.Error())
			return
		}
		if time.Since(began) >= s.stable {
			pause.Reset()
		}
		reason := "ended without an error"
		if err != nil {
			reason = err.Error()
		}
		s.set(u, Restarting, reason)
		zerolog.Ctx(own).Warn().Str("part", u.Name).Str("reason", reason).Msg("part died, starting it again")
		select {
		case <-time.After(pause.NextBackOff()):
		case <-starting.Done():
		}
	}
}

// once is one life of the part.
func (s *Supervisor) once(starting, own context.Context, u *unit) error {
	s.begin(u)
	life, end := context.WithCancelCause(own)
	defer end(nil)
	result := make(chan error, 1)
	probe := func() { s.probe(starting, life, end, u) }
	go func() {
		switch {
		case u.Task != nil:
			result <- u.Task(life)
		case u.Run != nil:
			result <- u.Run(life)
		default:
			result <- s.child(life, u, probe)
		}
	}()
	if u.Task != nil {
		err := <-result
		if err == nil {
			s.markReady(u)
		}
		return err
	}
	if u.Run != nil {
		go probe()
	}
	select {
	case err := <-result:
		return because(life, err)
	case <-life.Done():
	}
	grace := u.StopTimeout
	if u.Cmd != nil {
		grace += 5 * time.Second // child sends SIGKILL itself; this only guards against a process that cannot die
	}
	select {
	case err := <-result:
		return because(life, err)
	case <-time.After(grace):
		return because(life, fmt.Errorf("%s did not end within %s", u.Name, grace))
	}
}

// because prefers the cause the supervisor had for ending a life over the error
// that ending it produced.
func because(life context.Context, err error) error {
	if cause := context.Cause(life); cause != nil && cause != context.Canceled { //nolint:errorlint // the bare value means "no cause given"
		return cause
	}
	return err
}

// probe polls Ready with a growing interval: fast at first, because start-up
// time is what people wait for, slower when it takes long.
func (s *Supervisor) probe(starting, life context.Context, end context.CancelCauseFunc, u *unit) {
	if u.Ready == nil {
		s.markReady(u)
		return
	}
	deadline, interval := time.Now().Add(u.StartTimeout), 25*time.Millisecond
	for {
		attempt, cancel := context.WithTimeout(life, 5*time.Second)
		err := u.Ready(attempt)
		cancel()
		if life.Err() != nil || starting.Err() != nil {
			return
		}
		if err == nil {
			s.markReady(u)
			return
		}
		if time.Now().After(deadline) {
			end(fmt.Errorf("not ready after %s: %w", u.StartTimeout, err))
			return
		}
		s.note(u, err.Error())
		select {
		case <-life.Done():
			return
		case <-time.After(interval):
		}
		interval = min(interval*11/10, time.Second)
	}
}

// Status returns the state of each part, in the order given to New.
func (s *Supervisor) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Status, len(s.units))
	for i, u := range s.units {
		out[i] = u.status
	}
	return out
}

// WaitReady returns when each of the named parts, or all parts without a name,
// is ready. It fails when ctx ends or a part has failed for good, and says which.
func (s *Supervisor) WaitReady(ctx context.Context, names ...string) error {
	for {
		s.mu.Lock()
		changed, open, failed := s.changed, []string{}, ""
		for _, u := range s.units {
			if len(names) > 0 && !slices.Contains(names, u.Name) {
				continue
			}
			switch u.status.State {
			case Ready:
			case Failed, Stopped:
				failed = fmt.Sprintf("part %s %s: %s", u.Name, u.status.State, u.status.Reason)
			default:
				open = append(open, fmt.Sprintf("%s (%s: %s)", u.Name, u.status.State, u.status.Reason))
			}
		}
		s.mu.Unlock()
		switch {
		case failed != "":
			return fmt.Errorf("wait until ready: %s", failed)
		case len(open) == 0:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for %v: %w", open, ctx.Err())
		}
	}
}

func (s *Supervisor) begin(u *unit) {
	s.change(u, func(st *Status) {
		if st.State == Restarting {
			st.Restarts++
		}
		u.begun = time.Now()
		st.State, st.PID, st.ReadyIn = Starting, 0, 0
	})
}

func (s *Supervisor) markReady(u *unit) {
	s.change(u, func(st *Status) {
		if st.State == Starting {
			st.State, st.Reason, st.ReadyIn = Ready, "", time.Since(u.begun)
		}
	})
	u.isReady.Do(func() { close(u.ready) })
}

func (s *Supervisor) set(u *unit, state State, reason string) {
	s.change(u, func(st *Status) { st.State, st.Reason, st.PID = state, reason, 0 })
}

// note records why a part is not ready yet, without announcing a change.
func (s *Supervisor) note(u *unit, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.status.State == Starting {
		u.status.Reason = reason
	}
}

func (s *Supervisor) setPID(u *unit, pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.status.PID = pid
}

func (s *Supervisor) change(u *unit, f func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := u.status.State
	f(&u.status)
	if u.status.State == before {
		return
	}
	u.status.Since = time.Now()
	s.onChange(u.status)
	close(s.changed)
	s.changed = make(chan struct{})
}
