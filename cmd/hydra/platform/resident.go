// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// forgetStartup unmaps the pages of this program's file that starting has
// touched: each of the many packages initialises itself once, and what that
// used would stay resident for ever. Pages that are needed come back from the
// page cache at a touch. Only mappings that nothing was ever written to are
// given up, so nothing can be lost.
func forgetStartup() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("give up start-up pages: %w", err)
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("give up start-up pages: %w", err)
	}
	defer func() { _ = f.Close() }()
	var from, to uintptr
	ours := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if !strings.HasSuffix(fields[0], ":") { // a mapping begins
			n, _ := fmt.Sscanf(fields[0], "%x-%x", &from, &to)
			ours = n == 2 && len(fields) > 5 && fields[5] == self && (fields[1] == "r-xp" || fields[1] == "r--p")
			continue
		}
		if !ours || fields[0] != "Private_Dirty:" {
			continue
		}
		if fields[1] != "0" {
			continue // relocated at start: it differs from the file
		}
		// By address: there is no Go value for a mapping of the linker's.
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("give up start-up pages: %w", errno)
		}
	}
	return nil
}
