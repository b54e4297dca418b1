// SPDX-License-Identifier: Apache-2.0

package translate_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/yaml"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/hydra-platform/hydra/parts/entry/translate"
)

var update = flag.Bool("update", false, "write the golden files anew")

var opts = translate.Options{Listen: "127.0.0.1:7080", MetricsListen: "127.0.0.1:7081", DataDir: "/data", Hold: 5 * time.Second}

// known is every backend but those named "absent".
func known(b translate.Backend) bool { return b.Name != "absent" }

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			table, verdicts, err := translate.Routes(opts, read(t, file), known)
			require.NoError(t, err)
			var got bytes.Buffer
			_, _ = fmt.Fprintf(&got, "hosts %q\n", table.Hosts)
			for _, v := range verdicts {
				_, _ = fmt.Fprintf(&got, "%s/%s\n  Accepted %v %s: %s\n  ResolvedRefs %v %s: %s\n", v.Route.Namespace, v.Route.Name,
					v.Accepted.OK, v.Accepted.Reason, v.Accepted.Message, v.Resolved.OK, v.Resolved.Reason, v.Resolved.Message)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".verdicts", got.Bytes())
			golden(t, strings.TrimSuffix(file, ".yaml")+".json", append(table.Handler, '\n'))
		})
	}
}

func TestOrderOfRoutesDoesNotMatter(t *testing.T) {
	t.Parallel()
	routes := read(t, "testdata/precedence.yaml")
	want, _, err := translate.Routes(opts, routes, known)
	require.NoError(t, err)
	for range 20 {
		rand.Shuffle(len(routes), func(i, j int) { routes[i], routes[j] = routes[j], routes[i] })
		got, _, err := translate.Routes(opts, routes, known)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestBase(t *testing.T) {
	t.Parallel()
	config, err := translate.Base(opts)
	require.NoError(t, err)
	golden(t, "testdata/base.golden", append(config, '\n'))
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run go test ./translate -update when this is meant")
}

func read(t *testing.T, file string) []*gateway.HTTPRoute {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var out []*gateway.HTTPRoute
	for d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096); ; {
		r := new(gateway.HTTPRoute)
		err := d.Decode(r)
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		out = append(out, r)
	}
}
