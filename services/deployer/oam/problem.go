// SPDX-License-Identifier: Apache-2.0

package oam

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong, or odd, in a file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`  // from 1
	Field   string `json:"field"` // such as spec.components[0].properties.ports[1].port
	Message string `json:"message"`
}

func (p Problem) String() string {
	where := fmt.Sprintf("%s:%d", p.File, p.Line)
	if p.Field == "" {
		return where + ": " + p.Message
	}
	return where + ": " + p.Field + ": " + p.Message
}

// Invalid is the error of a file that cannot be used, with all its problems.
type Invalid struct{ Problems []Problem }

func (e *Invalid) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}
