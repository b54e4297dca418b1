// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"path/filepath"
	"strings"
)

// handDown enables each controller for the children of a version 2 cgroup. One
// that cannot be enabled, as on hybrid hosts where version 1 has it, is not
// needed there.
func handDown(root, controllers string) {
	for c := range strings.FieldsSeq(controllers) {
		_ = os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+"+c), 0o644) //nolint:gosec // a cgroup file
	}
}
