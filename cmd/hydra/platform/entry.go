// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hydra-platform/hydra/libs/supervise"
)

// entryPart serves each app at its host name. It waits for the cluster by
// itself, so it starts beside the node rather than after it.
func (p *Platform) entryPart() supervise.Part {
	ready := &atomic.Bool{}
	return supervise.Part{
		Name: "entry", StartTimeout: 5 * time.Minute, StopTimeout: 10 * time.Second,
		Cmd: func(context.Context) (*exec.Cmd, error) {
			bin, err := findBinary("hydra-entry", p.dir)
			if err != nil {
				return nil, supervise.Permanent(err)
			}
			ready.Store(false)
			cmd := exec.Command(bin, "--kubeconfig", p.kubeconfig(), "--ensure-gateway", //nolint:gosec // our own program
				"--listen", fmt.Sprintf("127.0.0.1:%d", p.ports.Entry),
				"--metrics-listen", p.entryMetrics(),
				"--data-dir", p.dir.Path("entry"))
			cmd.Env = p.childEnv()
			cmd.Stdout, cmd.Stderr = &entryOutput{ready: ready, log: p.partLog("entry")}, p.partLog("entry")
			return cmd, nil
		},
		Ready: func(context.Context) error {
			if !ready.Load() {
				return errors.New("waiting for the cluster")
			}
			return nil
		},
	}
}

// nodeBlock is the size of the range that a node has for itself and its pods.
const nodeBlock = 20

// relayMetrics shows the entry's numbers, and nothing else of this machine, to
// the pods of the node, one of which is Prometheus.
func (p *Platform) relayMetrics(ctx context.Context) {
	upstream := &url.URL{Scheme: "http", Host: p.entryMetrics()}
	proxy := httputil.NewSingleHostReverseProxy(upstream)
	p.listenForNode(ctx, p.ports.EntryMetrics, nodeBlock, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/metrics" {
			http.NotFound(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
}

// entryTarget is where a pod finds the entry's numbers, once the node's link
// is there.
func (p *Platform) entryTarget() string {
	link, ok := p.nodeLink()
	if !ok || !p.hasEntry() {
		return ""
	}
	return net.JoinHostPort(link.Addr().String(), strconv.Itoa(p.ports.EntryMetrics))
}

// entryMetrics is where the entry's own numbers are read.
func (p *Platform) entryMetrics() string { return fmt.Sprintf("127.0.0.1:%d", p.ports.EntryMetrics) }

// entryOutput waits for the line that says that the entry serves.
type entryOutput struct {
	ready *atomic.Bool
	log   io.Writer
	rest  []byte
}

// Write never fails: the entry must not end because of its output.
func (o *entryOutput) Write(p []byte) (int, error) {
	_, _ = o.log.Write(p)
	o.rest = append(o.rest, p...)
	for {
		line, rest, ok := bytes.Cut(o.rest, []byte{'\n'})
		if !ok {
			return len(p), nil
		}
		o.rest = rest
		var l struct{ Part, State string }
		if json.Unmarshal(line, &l) == nil && l.Part == "entry" && l.State == "ready" {
			o.ready.Store(true)
		}
	}
}
