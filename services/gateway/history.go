// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hydra-platform/hydra/libs/bus"
)

// The stream is read forwards only. What people ask for is at its end, so it
// is looked at in windows that begin near the end and grow towards the
// beginning until enough was found.
const (
	firstWindow  = 2000 // sequences
	windowGrowth = 4
)

// lastSequence is the newest place in the history.
func (s *Service) lastSequence(ctx context.Context) (uint64, error) {
	stream, err := s.js().Stream(ctx, bus.StreamEvents)
	if err != nil {
		return 0, fmt.Errorf("open stream %s: %w", bus.StreamEvents, err)
	}
	return stream.CachedInfo().State.LastSeq, nil
}

// newest returns the last limit events that match, oldest first.
func (s *Service) newest(ctx context.Context, q bus.Query, match *typeFilter, limit int) ([]bus.Stored, error) {
	last, err := s.lastSequence(ctx)
	if err != nil {
		return nil, err
	}
	var found []bus.Stored
	for window, end := uint64(firstWindow), last; end > 0 && end >= q.FromSeq; window *= windowGrowth {
		begin := uint64(1)
		if end > window {
			begin = end - window + 1
		}
		begin = max(begin, q.FromSeq)
		part, early, err := s.between(ctx, q, match, begin, end)
		if err != nil {
			return nil, err
		}
		found = append(part, found...)
		if len(found) >= limit {
			return found[len(found)-limit:], nil
		}
		if begin == 1 || early {
			return found, nil
		}
		end = begin - 1
	}
	return found, nil
}

// between returns what matches in a range of the stream, and whether the
// range reaches back before the time that was asked for.
func (s *Service) between(ctx context.Context, q bus.Query, match *typeFilter, begin, end uint64) (found []bus.Stored, early bool, err error) {
	since := q.Since
	// The bus would hide what is too old, by which the search knows its end.
	q.FromSeq, q.Since = begin, time.Time{}
	err = s.bus.History(ctx, q, func(e bus.Stored) error {
		switch {
		case e.Sequence > end:
			return bus.Stop()
		case e.StoredAt.Before(since):
			early = true
		case match.accepts(e):
			found = append(found, e)
		}
		return nil
	})
	return slices.Clip(found), early, err
}
