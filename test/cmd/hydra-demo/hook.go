// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/hydra-platform/hydra/test/journey"
)

// hook delivers what a push brought: git writes "old new ref" lines to it.
func hook(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want: hydra-demo hook FILE, with what git gives a post-receive hook on standard input")
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 {
			return fmt.Errorf("read %q: want old, new and ref", lines.Text())
		}
		if err := journey.Deliver(ctx, args[1], fields[1], fields[2]); err != nil {
			return err
		}
		fmt.Println("webhook delivered")
	}
	return nil
}
