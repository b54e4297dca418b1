// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
)

// Timeline reads the story back from the stream, commit by commit, with the
// time since the push and the time since the event before.
func (s *Story) Timeline(ctx context.Context, out io.Writer) error {
	for i, id := range s.Journey {
		list, err := s.Client.Events(ctx, s.Project, api.Query{Correlation: id, Limit: 200})
		if err != nil {
			return fmt.Errorf("read the journey of commit %d: %w", i+1, err)
		}
		if len(list) == 0 {
			return fmt.Errorf("read the journey of commit %d: no event has correlation %s", i+1, id)
		}
		fmt.Fprintf(out, "\nCommit %d\n", i+1)
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		first, before := list[0].Time(), list[0].Time()
		for _, e := range list {
			fmt.Fprintf(table, "  %7.2fs\t+%.2fs\t%s\t%s\t%.70s\n", since(first, e.Time()), since(before, e.Time()), Name(e), e.Source(), reason(e))
			before = e.Time()
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func since(a, b time.Time) float64 { return b.Sub(a).Seconds() }
