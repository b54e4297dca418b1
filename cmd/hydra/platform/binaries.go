// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binaries are the programs that `hydra up` starts as child processes.
func Binaries() []string { return []string{"hydra-node", "buildkitd", "hydra-entry"} }

// FindBinary looks for one of Hydra's own programs beside this one, in
// $HYDRA_BIN, in the data directory and in $PATH.
func FindBinary(name string, dataDir string) (string, error) {
	return findBinary(name, Dir{dataDir})
}

func findBinary(name string, dir Dir) (string, error) {
	var places []string
	if self, err := os.Executable(); err == nil {
		places = append(places, filepath.Dir(self))
	}
	if bin := os.Getenv("HYDRA_BIN"); bin != "" {
		places = append(places, bin)
	}
	places = append(places, dir.Path("bin"))
	for _, place := range places {
		path := filepath.Join(place, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("program %s is missing (looked in %v and $PATH): run `make build`, or name its directory in HYDRA_BIN", name, places)
}
