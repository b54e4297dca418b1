// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"sync"

	"github.com/hydra-platform/hydra/cmd/hydra/platform"
)

// Status of a check.
type Status string

// What a check may say. With Fail `hydra up` cannot work, with Warn something
// will be missing.
const (
	OK   Status = "OK"
	Warn Status = "WARN"
	Fail Status = "FAIL"
)

// Result of one check.
type Result struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Found  string `json:"found"`
	Fix    string `json:"fix,omitempty"`
}

// Options say for which `hydra up` is checked.
type Options struct {
	Platform platform.Options
}

// needs is what the options ask of the machine.
func (o Options) needsNode() bool     { return o.Platform.Kubeconfig == "" }
func (o Options) needsBuildkit() bool { return o.Platform.BuildkitAddr == "" }
func (o Options) needsSandbox() bool  { return o.needsNode() || o.needsBuildkit() }

type check func(context.Context, Options) []Result

// quick checks take milliseconds and decide whether starting makes sense.
var quick = []check{checkSystem, checkPrograms, checkBinaries, checkDisk} //nolint:gochecknoglobals // a fixed list

// thorough checks look at everything else.
var thorough = []check{checkMemory, checkCgroups, checkKernelLog, checkPorts, checkNames, checkUpstream} //nolint:gochecknoglobals // a fixed list

// Quick is what `hydra up` does first.
func Quick(ctx context.Context, o Options) []Result { return run(ctx, o, quick) }

// All is `hydra doctor`.
func All(ctx context.Context, o Options) []Result {
	return append(run(ctx, o, quick), run(ctx, o, thorough)...)
}

// run does checks beside each other and keeps their order.
func run(ctx context.Context, o Options, checks []check) []Result {
	results := make([][]Result, len(checks))
	var wg sync.WaitGroup
	for i, c := range checks {
		wg.Go(func() { results[i] = c(ctx, o) })
	}
	wg.Wait()
	var out []Result
	for _, r := range results {
		out = append(out, r...)
	}
	return out
}

// Failed reports whether something would keep `hydra up` from working.
func Failed(results []Result) bool {
	for _, r := range results {
		if r.Status == Fail {
			return true
		}
	}
	return false
}
