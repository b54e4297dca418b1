// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/hydra-platform/hydra/libs/supervise"
)

// Part is the state of one part as it is shown to people.
type Part struct {
	Name     string    `json:"part"`
	State    string    `json:"state"`
	PID      int       `json:"pid,omitempty"`
	Restarts int       `json:"restarts"`
	ReadyMS  int64     `json:"readyMilliseconds,omitempty"`
	Address  string    `json:"address,omitempty"`
	Memory   int64     `json:"memoryBytes,omitempty"` // its own and its children's, shared pages once
	Reason   string    `json:"reason,omitempty"`
	Since    time.Time `json:"since"`
}

// State is a running instance, as run/state.json and GET /status hold it.
type State struct {
	PID      int       `json:"pid"`
	Version  string    `json:"version"`
	Instance string    `json:"instance"`
	DataDir  string    `json:"dataDir"`
	URL      string    `json:"url,omitempty"`   // of the gateway
	Entry    string    `json:"entry,omitempty"` // how an app's address is made
	NATS     string    `json:"nats"`
	Registry string    `json:"registry"`
	Ports    Ports     `json:"ports"`
	Started  time.Time `json:"started"`
	ReadyMS  int64     `json:"readyMilliseconds,omitempty"` // until every part was ready; 0 until then
	Memory   int64     `json:"memoryBytes,omitempty"`       // resident, of the `hydra up` process
	Parts    []Part    `json:"parts"`
}

// Ready reports whether every part is ready now.
func (s State) Ready() bool {
	for _, p := range s.Parts {
		if p.State != string(supervise.Ready) {
			return false
		}
	}
	return len(s.Parts) > 0
}

// State returns the state of this moment.
func (p *Platform) State() State {
	s := State{
		PID: os.Getpid(), Version: p.opts.Version, Instance: p.dir.Instance(), DataDir: p.dir.path,
		NATS: p.natsURL(), Registry: p.registryAddr(), Ports: p.ports, Started: p.began, Memory: residentMemory(os.Getpid()),
	}
	if p.opts.runs("gateway") {
		s.URL = p.gatewayURL()
	}
	if p.hasEntry() {
		s.Entry = fmt.Sprintf("http://<app>.<project>.localhost:%d", p.ports.Entry)
	}
	p.mu.Lock()
	if !p.readyAt.IsZero() {
		s.ReadyMS = p.readyAt.Sub(p.began).Milliseconds()
	}
	p.mu.Unlock()
	for _, status := range p.sup.Status() {
		s.Parts = append(s.Parts, p.part(status))
	}
	return s
}

// measured adds what the children use, which takes some milliseconds.
func (s State) measured() State {
	for i, part := range s.Parts {
		if part.PID != 0 {
			s.Parts[i].Memory = treeMemory(part.PID)
		}
	}
	return s
}

func (p *Platform) part(s supervise.Status) Part {
	return Part{
		Name: s.Name, State: string(s.State), PID: s.PID, Restarts: s.Restarts,
		ReadyMS: s.ReadyIn.Milliseconds(), Reason: s.Reason, Since: s.Since, Address: p.address(s.Name),
	}
}

// address is what people connect to.
func (p *Platform) address(part string) string {
	local := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	switch part {
	case "jetstream":
		return p.natsURL()
	case "registry":
		return p.registryAddr()
	case "buildkit":
		return p.buildkitAddr()
	case "node":
		return "KUBECONFIG=" + p.dir.Path("kubeconfig")
	case "entry":
		return "http://" + local(p.ports.Entry)
	case "services":
		if p.opts.runs("gateway") {
			return p.gatewayURL()
		}
	}
	return ""
}

func (p *Platform) gatewayURL() string {
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(p.ports.Gateway))
}

// ReadState reads what the last run wrote down.
func (d Dir) ReadState() (State, error) {
	var s State
	data, err := os.ReadFile(d.statePath())
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("read %s: %w", d.statePath(), err)
	}
	return s, nil
}
