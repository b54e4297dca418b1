// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/hydra-platform/hydra/libs/supervise"
)

// nodeLine is one line of hydra-node's output: a change of one of its parts.
type nodeLine struct {
	Part       string `json:"part"`
	State      string `json:"state"`
	Reason     string `json:"reason"`
	Kubeconfig string `json:"kubeconfig"`
	Address    string `json:"address"`
}

// nodeState is what is known of the node from what it says.
type nodeState struct {
	mu    sync.Mutex
	ready bool
	addr  string
	parts map[string]nodeLine // by part, the newest
}

func (s *nodeState) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready, s.parts = false, map[string]nodeLine{}
}

func (s *nodeState) take(l nodeLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case l.Part == "node" && l.State == string(supervise.Ready):
		s.ready, s.addr = true, l.Address
	case l.Part == "sandbox" && l.State != string(supervise.Ready):
		s.ready = false
	}
	s.parts[l.Part] = l
}

// err says what is still missing.
func (s *nodeState) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready {
		return nil
	}
	for _, l := range s.parts {
		if l.State == string(supervise.Restarting) || l.State == string(supervise.Failed) {
			return fmt.Errorf("%s is %s: %s", l.Part, l.State, l.Reason)
		}
	}
	for _, l := range s.parts {
		if l.State == string(supervise.Starting) && l.Part != "sandbox" {
			return fmt.Errorf("%s is starting", l.Part)
		}
	}
	return errors.New("starting")
}

// kubeconfig is how the services reach the cluster.
func (p *Platform) kubeconfig() string {
	if p.opts.Kubeconfig != "" {
		return p.opts.Kubeconfig
	}
	return p.dir.Path("node", "admin.kubeconfig")
}

func (p *Platform) nodePart() supervise.Part {
	state := p.node
	return supervise.Part{
		Name: "node", After: []string{"registry"}, StartTimeout: 4 * time.Minute, StopTimeout: 45 * time.Second,
		Cmd: func(context.Context) (*exec.Cmd, error) {
			bin, err := findBinary("hydra-node", p.dir)
			if err != nil {
				return nil, supervise.Permanent(err)
			}
			file, err := p.writeNodeConfig()
			if err != nil {
				return nil, err
			}
			state.reset()
			cmd := exec.Command(bin, "run", "--config", file) //nolint:gosec // our own program
			cmd.Env = p.childEnv()
			cmd.Stdout, cmd.Stderr = &nodeOutput{state: state, log: p.partLog("node")}, p.partLog("node")
			return cmd, nil
		},
		Ready: func(context.Context) error {
			if err := state.err(); err != nil {
				return err
			}
			return p.linkKubeconfig()
		},
	}
}

func (p *Platform) writeNodeConfig() (string, error) {
	mirrors := map[string][]string{}
	if p.opts.Registry == "" {
		here := fmt.Sprintf("http://{host}:%d", p.ports.Registry)
		mirrors[p.registryAddr()] = []string{here}
		for _, host := range []string{"docker.io", "gcr.io", "ghcr.io", "quay.io", "registry.k8s.io"} {
			mirrors[host] = []string{here + "/v2/mirror/" + host}
		}
	} else {
		mirrors[p.opts.Registry] = []string{"http://" + p.opts.Registry}
	}
	data, err := yaml.Marshal(map[string]any{
		"instance": p.dir.Instance(), "dataDir": p.dir.Path("node"), "registryMirrors": mirrors,
	})
	if err != nil {
		return "", fmt.Errorf("write the node's settings: %w", err)
	}
	file := p.dir.Path("run", "node.yaml")
	return file, writeFile(file, data, 0o600)
}

// linkKubeconfig puts the cluster's kubeconfig where people look for it.
func (p *Platform) linkKubeconfig() error {
	link := p.dir.Path("kubeconfig")
	if target, err := os.Readlink(link); err == nil && target == p.kubeconfig() {
		return nil
	}
	_ = os.Remove(link)
	if err := os.Symlink(p.kubeconfig(), link); err != nil {
		return fmt.Errorf("link the kubeconfig: %w", err)
	}
	return nil
}

// nodeOutput takes the node's lines; all of it goes to the log as well.
type nodeOutput struct {
	state *nodeState
	log   io.Writer
	rest  []byte
}

// Write never fails: the node must not end because of its output.
func (o *nodeOutput) Write(p []byte) (int, error) {
	_, _ = o.log.Write(p)
	o.rest = append(o.rest, p...)
	for {
		line, rest, ok := bytes.Cut(o.rest, []byte{'\n'})
		if !ok {
			if len(o.rest) > 64<<10 {
				o.rest = nil // no line of ours is that long
			}
			return len(p), nil
		}
		o.rest = rest
		var l nodeLine
		if err := json.Unmarshal(line, &l); err == nil && l.Part != "" {
			o.state.take(l)
		}
	}
}
