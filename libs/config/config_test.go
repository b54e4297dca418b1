// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/libs/config"
)

type cfg struct {
	Listen  string        `json:"listen" env:"LISTEN"`
	Timeout time.Duration `json:"-" env:"TIMEOUT"`
}

func (c *cfg) Validate() error {
	if c.Listen == "" {
		return errors.New("listen: want an address such as 127.0.0.1:7070")
	}
	return nil
}

func TestDefaultsThenFileThenEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hydra.yaml")
	require.NoError(t, os.WriteFile(file, []byte("gateway:\n  listen: from-file\nbuilder:\n  other: 1\n"), 0o600))
	c := &cfg{Listen: "default", Timeout: time.Second}
	require.NoError(t, config.Load("gateway", "", c))
	require.Equal(t, "default", c.Listen)
	require.NoError(t, config.Load("gateway", file, c))
	require.Equal(t, "from-file", c.Listen)
	t.Setenv("HYDRA_GATEWAY_LISTEN", "from-env")
	t.Setenv("HYDRA_GATEWAY_TIMEOUT", "3s")
	require.NoError(t, config.Load("gateway", file, c))
	require.Equal(t, cfg{Listen: "from-env", Timeout: 3 * time.Second}, *c)
}

func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tc := range map[string]struct{ text, want string }{
		"UnknownKey": {"gateway:\n  lisen: x\n", "lisen"},
		"WrongType":  {"gateway:\n  listen: [1]\n", "listen"},
		"Invalid":    {"gateway:\n  listen: ''\n", "want an address"},
		"NoYAML":     {"\tgateway", "hydra"},
	} {
		file := filepath.Join(dir, "hydra-"+name+".yaml")
		require.NoError(t, os.WriteFile(file, []byte(tc.text), 0o600))
		require.ErrorContains(t, config.Load("gateway", file, &cfg{Listen: "x"}), tc.want, name)
	}
	require.Error(t, config.Load("gateway", filepath.Join(dir, "missing"), &cfg{Listen: "x"}))
}

func FuzzSection(f *testing.F) {
	f.Add([]byte("gateway:\n  listen: x\n"))
	f.Add([]byte("- 1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c cfg
		if err := config.Section(data, "gateway", &c); err != nil && err.Error() == "" {
			t.Fatal("an error without words")
		}
	})
}
