// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The three commits of the story, as edits of examples/apps/hello-go.

// editV2 is a change that visitors see.
func editV2(dir string) error { return replace(dir, "main.go", `version = "v1"`, `version = "v2"`) }

// editBroken is a change that compiles, passes its tests and is not well: the
// health check answers 500. It asks for a short deadline, so that nobody who
// watches has to wait for a minute.
func editBroken(dir string) error {
	if err := replace(dir, "main.go", `version = "v2"`, `version = "v3"`); err != nil {
		return err
	}
	if err := replace(dir, "hydra.yaml", "health-deadline: 60s", "health-deadline: 6s"); err != nil {
		return err
	}
	return replace(dir, "main.go", "w.WriteHeader(http.StatusOK)", `http.Error(w, "the database is not migrated", http.StatusInternalServerError)`)
}

func replace(dir, file, from, to string) error {
	path := filepath.Join(dir, file)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if strings.Count(string(data), from) != 1 {
		return fmt.Errorf("%s: want %q exactly once", file, from)
	}
	return os.WriteFile(path, []byte(strings.Replace(string(data), from, to, 1)), 0o644)
}
