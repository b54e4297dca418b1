// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"encoding/json"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/provisioner/plan"
	"github.com/hydra-platform/hydra/services/provisioner/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

const owner = "test-owner"

func cluster(t *testing.T, edits ...string) spec.Cluster {
	t.Helper()
	data, err := os.ReadFile("../../../examples/cluster.yaml")
	require.NoError(t, err)
	text := string(data)
	for i := 0; i+1 < len(edits); i += 2 {
		require.Contains(t, text, edits[i])
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	c, err := spec.Parse([]byte(text))
	require.NoError(t, err)
	return c
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, edits := range map[string][]string{
		"public":  nil,
		"private": {"topology: public", "topology: private", "  access:\n", "  telemetry: {bucket: demo-telemetry}\n  api: {dnsName: api.example.com, hostedZone: example.com}\n  access:\n"},
		"gateway": {"topology: public", "topology: private\n    nat: gateway", "      diskGB: 60\n", "      spotPercent: 50\n"},
		"unknown": {"region: us-east-1", "region: eu-north-1", "[us-east-1a, us-east-1b, us-east-1c]", "[eu-north-1a]", "count: 3", "count: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := plan.Make(cluster(t, edits...), plan.Observed{Account: "1", Owner: owner})
			require.NoError(t, err)
			got, err := json.MarshalIndent(p, "", " ")
			require.NoError(t, err)
			file := "testdata/" + name + ".json"
			if *update {
				require.NoError(t, os.WriteFile(file, append(got, '\n'), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got)+"\n", "run go test ./plan -update when this is meant")
			wellFormed(t, p)
		})
	}
}

// wellFormed checks what holds for each plan: keys are unique, and every
// dependency is a line that comes without a circle.
func wellFormed(t *testing.T, p record.Plan) {
	t.Helper()
	lines := map[string]record.PlanResource{}
	for _, r := range p.Resources {
		require.NotContains(t, lines, r.Key)
		lines[r.Key] = r
	}
	state := map[string]int{}
	var visit func(key string)
	visit = func(key string) {
		require.NotEqual(t, 1, state[key], "a circle through %s", key)
		if state[key] == 2 {
			return
		}
		state[key] = 1
		for _, after := range lines[key].After {
			require.Contains(t, lines, after, "%s waits for it", key)
			visit(after)
		}
		state[key] = 2
	}
	for key := range lines {
		visit(key)
	}
}

func TestRulesKeepTheWorldOut(t *testing.T) {
	t.Parallel()
	p, err := plan.Make(cluster(t), plan.Observed{Owner: owner})
	require.NoError(t, err)
	for _, r := range p.Resources {
		if r.Kind != plan.KindRule || !strings.Contains(r.Key, "/in/") {
			continue
		}
		if strings.HasSuffix(r.Key, "/0.0.0.0/0") {
			require.Contains(t, []string{
				"rule/security-group/nodes/in/tcp/80-80/0.0.0.0/0", "rule/security-group/nodes/in/tcp/443-443/0.0.0.0/0",
			}, r.Key, "only what the spec opens")
		}
		if strings.Contains(r.Key, "2379") {
			require.Equal(t, "rule/security-group/control-plane/in/tcp/2379-2380/security-group/control-plane", r.Key)
		}
	}
}

// built is AWS after the plan was carried out.
func built(t *testing.T, c spec.Cluster) plan.Observed {
	t.Helper()
	p, err := plan.Make(c, plan.Observed{Owner: owner})
	require.NoError(t, err)
	seen := plan.Observed{Account: "1", Owner: owner}
	for _, r := range p.Resources {
		f := plan.Found{Key: r.Key, Kind: r.Kind, ID: "id-" + r.Key, Attributes: map[string]string{}, Tags: plan.Tags(c.Metadata.Name, owner, r.Key)}
		maps.Copy(f.Attributes, r.Detail)
		if r.Kind == plan.KindRole {
			f.Attributes["policy"] = plan.PolicyHash(r.Detail["policy"])
		}
		maps.Copy(f.Tags, c.Spec.Tags)
		f.Tags[plan.TagConfig] = r.Detail[plan.TagConfig]
		seen.Resources = append(seen.Resources, f)
	}
	return seen
}

func actions(p record.Plan) map[string]int {
	out := map[string]int{}
	for _, r := range p.Resources {
		out[r.Action]++
	}
	return out
}

func find(t *testing.T, p record.Plan, key string) record.PlanResource {
	t.Helper()
	for _, r := range p.Resources {
		if r.Key == key {
			return r
		}
	}
	require.Failf(t, "not planned", "%s", key)
	return record.PlanResource{}
}

func TestBuiltIsKept(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	p, err := plan.Make(c, built(t, c))
	require.NoError(t, err)
	for _, r := range p.Resources {
		require.Equal(t, plan.Keep, r.Action, "%s: %s", r.Key, r.Reason)
	}
}

func TestOrderOfFindingsDoesNotMatter(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	seen := built(t, c)
	want, err := plan.Make(c, seen)
	require.NoError(t, err)
	for range 10 {
		rand.Shuffle(len(seen.Resources), func(i, j int) { seen.Resources[i], seen.Resources[j] = seen.Resources[j], seen.Resources[i] })
		got, err := plan.Make(c, seen)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestChangeOfTheSpec(t *testing.T) {
	t.Parallel()
	before := cluster(t)
	for name, test := range map[string]struct {
		edits  []string
		key    string
		action string
		reason string
	}{
		"BiggerGroup":     {[]string{"max: 20", "max: 30"}, "node-group/workers", plan.Change, "max is 20, want 30"},
		"OtherTypes":      {[]string{"[m7i.large, m6i.large]", "[m7i.xlarge]"}, "launch-template/workers", plan.Change, "it was made from another configuration"},
		"OtherMachine":    {[]string{"instanceType: t3.large", "instanceType: t3.xlarge"}, "control-plane/1", plan.Replace, "instanceType is t3.large, want t3.xlarge; it was made from another configuration"},
		"NewKubernetes":   {[]string{"1.36.3", "1.36.4"}, "control-plane/0", plan.Replace, "it was made from another configuration"},
		"GrownDisk":       {[]string{"etcdDiskGB: 20", "etcdDiskGB: 30"}, "volume/etcd/2", plan.Change, "size is 20, want 30"},
		"OtherAddresses":  {[]string{"10.20.0.0/16", "10.30.0.0/16"}, "vpc", plan.Replace, "cidr is 10.20.0.0/16, want 10.30.0.0/16"},
		"WhatIsInIt":      {[]string{"10.20.0.0/16", "10.30.0.0/16"}, "route-table/public", plan.Replace, "vpc is replaced"},
		"OtherTag":        {[]string{"team: platform", "team: other"}, "vpc", plan.Change, "tag team is platform, want other"},
		"NoLongerOpen":    {[]string{"web: [0.0.0.0/0]", "web: [198.51.100.0/24]"}, "rule/security-group/nodes/in/tcp/80-80/0.0.0.0/0", plan.Delete, "it is no longer part of the spec"},
		"RemovedMachines": {[]string{"count: 3", "count: 1"}, "control-plane/2", plan.Delete, "it is no longer part of the spec"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := plan.Make(cluster(t, test.edits...), built(t, before))
			require.NoError(t, err)
			r := find(t, p, test.key)
			require.Equal(t, test.action, r.Action, r.Reason)
			require.Equal(t, test.reason, r.Reason)
			require.NotEmpty(t, r.ID)
			wellFormed(t, p)
		})
	}
}

func TestStrangeFindings(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	seen := built(t, c)
	twin := seen.Resources[0]
	twin.ID = "id-vpc-second"
	seen.Resources = append(seen.Resources, twin,
		plan.Found{Key: "rule/security-group/nodes/in/tcp/30000-32767/0.0.0.0/0", Kind: plan.KindRule, ID: "sgr-1"})
	seen.Foreign = []string{plan.KindRole + ":hydra-demo-nodes"}
	p, err := plan.Make(c, seen)
	require.NoError(t, err)
	require.Equal(t, plan.Keep, find(t, p, "vpc").Action)
	require.Equal(t, "there are two of it; id-vpc is kept", find(t, p, "vpc#id-vpc-second").Reason)
	require.Equal(t, plan.Delete, find(t, p, "rule/security-group/nodes/in/tcp/30000-32767/0.0.0.0/0").Action)

	empty, err := plan.Make(c, plan.Observed{Owner: owner, Foreign: seen.Foreign})
	require.NoError(t, err)
	require.Equal(t, "it does not exist, and its name is taken", find(t, empty, "role/nodes").Reason)
	require.Equal(t, actions(empty), map[string]int{plan.Create: len(empty.Resources)})
}

func TestCostsAreFactsOrUnknown(t *testing.T) {
	t.Parallel()
	p, err := plan.Make(cluster(t), plan.Observed{Owner: owner})
	require.NoError(t, err)
	// t3.large 0.0832 + address 0.005, 730 hours, root disk 40 GB at 0.08.
	require.InDelta(t, 0.0832*730+0.005*730+40*0.08, find(t, p, "control-plane/0").Monthly, 0.01)
	// Ten m7i.large at 0.1008 with address and 60 GB.
	require.InDelta(t, 10*(0.1008*730+0.005*730+60*0.08), find(t, p, "node-group/workers").Monthly, 0.01)

	p, err = plan.Make(cluster(t, "[m7i.large, m6i.large]", "[zz9.large]"), plan.Observed{Owner: owner})
	require.NoError(t, err)
	require.Contains(t, find(t, p, "node-group/workers").Detail["cost"], "no price of zz9.large is known")
}
