// SPDX-License-Identifier: Apache-2.0

package spec_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/services/provisioner/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

const example = "../../../examples/cluster.yaml"

func TestExampleIsValid(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(example)
	require.NoError(t, err)
	c, err := spec.Parse(data)
	require.NoError(t, err)
	require.Equal(t, "demo", c.Metadata.Name)
	require.Equal(t, 3, c.Spec.ControlPlane.Count)
	require.Equal(t, 10, c.Spec.NodeGroups[0].Min)
	require.Equal(t, "10.244.0.0/16", c.Spec.Network.PodCIDR)
	require.Equal(t, c.Spec.Zones, c.Spec.NodeGroups[0].Zones)
}

// TestProblems reads each testdata/*.yaml and compares what is said of it.
func TestProblems(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			_, err = spec.Parse(data)
			require.Error(t, err)
			golden(t, strings.TrimSuffix(file, ".yaml")+".problems", err.Error()+"\n")
		})
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	r := jsonschema.Reflector{DoNotReference: true, RequiredFromJSONSchemaTags: true}
	s := r.Reflect(spec.Cluster{})
	s.ID, s.Title = "https://hydra.dev/schema/cluster.v1alpha1.json", "Hydra cluster"
	b, err := json.MarshalIndent(s, "", "  ")
	require.NoError(t, err)
	golden(t, "cluster.schema.json", string(b)+"\n")
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run go test ./spec -update when this is meant")
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile(example)
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte("a: &x [*x]"))
	f.Add([]byte("apiVersion: hydra.dev/v1alpha1\nkind: Cluster\nmetadata: {name: x}\nspec: {zones: [1, 2], nodeGroups: [{}]}\n"))
	f.Add([]byte("spec:\n  network: 3\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := spec.Parse(data)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		// What was accepted is accepted again, with its defaults written out.
		again, err := json.Marshal(c)
		require.NoError(t, err)
		c2, err := spec.Parse(again)
		require.NoError(t, err)
		require.Equal(t, c, c2)
	})
}
