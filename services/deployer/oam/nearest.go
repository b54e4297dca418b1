// SPDX-License-Identifier: Apache-2.0

package oam

import "strings"

// nearest returns the candidate that differs least from s, or nothing when
// none is near enough to be what was meant.
func nearest(s string, candidates []string) (string, bool) {
	best, distance := "", max(2, len(s)/3)+1
	for _, c := range candidates {
		if d := edits(strings.ToLower(s), strings.ToLower(c)); d < distance {
			best, distance = c, d
		}
	}
	return best, best != ""
}

// edits is the Levenshtein distance of two short words.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := previous
			if a[i] != b[j] {
				substitute++
			}
			previous = row[j+1]
			row[j+1] = min(substitute, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
