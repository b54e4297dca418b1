// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the size of a spec above which it is refused.
const MaxBytes = 512 << 10

// Problem is one thing wrong with a spec.
type Problem struct {
	Line    int    // from 1; 0 where there is none
	Field   string // such as spec.network.cidr
	Message string // what was expected
}

// Problems are all things wrong with a spec, by line.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, x := range p {
		var b strings.Builder
		if x.Line > 0 {
			fmt.Fprintf(&b, "line %d: ", x.Line)
		}
		if x.Field != "" {
			fmt.Fprintf(&b, "%s: ", x.Field)
		}
		lines[i] = b.String() + x.Message
	}
	return strings.Join(lines, "\n")
}

// Parse reads a spec, fills the defaults and checks it. The error is a
// [Problems].
func Parse(data []byte) (Cluster, error) {
	var c Cluster
	if len(data) > MaxBytes {
		return c, Problems{{Message: fmt.Sprintf("the spec has %d bytes; at most %d are read", len(data), MaxBytes)}}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return c, Problems{{Message: "the spec is empty; begin with apiVersion: " + APIVersion}}
		}
		return c, fromYAML(err)
	}
	var second yaml.Node
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return c, Problems{{Line: second.Line, Message: "the file has more than one document; keep one cluster in a file"}}
	}
	d := &document{lines: map[string]int{}}
	if len(doc.Content) != 1 {
		return c, Problems{{Message: "the spec is empty; begin with apiVersion: " + APIVersion}}
	}
	d.check(doc.Content[0], reflect.TypeFor[Cluster](), "")
	if len(d.problems) > 0 {
		return c, d.sorted()
	}
	if err := doc.Decode(&c); err != nil {
		return c, fromYAML(err)
	}
	c.withDefaults()
	d.validate(&c)
	if len(d.problems) > 0 {
		return c, d.sorted()
	}
	return c, nil
}

// fromYAML turns the library's error, whose text begins each line with the
// line of the file, into problems.
func fromYAML(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var p Problem
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, message, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				p.Line, text = n, message
			}
		}
	}
	p.Message = "not YAML: " + text
	return Problems{p}
}

// document remembers where each field is written.
type document struct {
	lines    map[string]int
	problems Problems
}

func (d *document) add(line int, field, format string, args ...any) {
	d.problems = append(d.problems, Problem{Line: line, Field: field, Message: fmt.Sprintf(format, args...)})
}

// at adds a problem of a field; one that is not written is looked for where
// it would be.
func (d *document) at(field, format string, args ...any) {
	line, where := 0, field
	for line == 0 && where != "" {
		line = d.lines[where]
		where = where[:max(strings.LastIndexByte(where, '.'), strings.LastIndexByte(where, '['), 0)]
	}
	d.add(line, field, format, args...)
}

func (d *document) sorted() Problems {
	slices.SortStableFunc(d.problems, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field)) })
	return d.problems
}

// check compares the shape of a node with a type, before anything is decoded,
// so that every mistake has a line and a name.
func (d *document) check(n *yaml.Node, t reflect.Type, field string) {
	d.lines[field] = n.Line
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.add(n.Line, field, "anchors and aliases are not read; write the value out")
		return
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // as if it were left out
	}
	switch t.Kind() {
	case reflect.Struct:
		if d.is(n, yaml.MappingNode, field, "a mapping") {
			d.mapping(n, t, field)
		}
	case reflect.Map:
		if d.is(n, yaml.MappingNode, field, "a mapping of names to text") {
			seen := map[string]bool{}
			for i := 0; i+1 < len(n.Content); i += 2 {
				key := n.Content[i].Value
				if seen[key] {
					d.add(n.Content[i].Line, join(field, key), "is written twice")
				}
				seen[key] = true
				d.check(n.Content[i+1], t.Elem(), join(field, key))
			}
		}
	case reflect.Slice:
		if d.is(n, yaml.SequenceNode, field, "a list") {
			for i, item := range n.Content {
				d.check(item, t.Elem(), fmt.Sprintf("%s[%d]", field, i))
			}
		}
	case reflect.Int:
		if d.is(n, yaml.ScalarNode, field, "a whole number") {
			var v int
			if n.Tag != "!!int" || n.Decode(&v) != nil {
				d.add(n.Line, field, "is %q; want a whole number", n.Value)
			}
		}
	default:
		// A version such as 1.36 is a number to YAML and text to people.
		d.is(n, yaml.ScalarNode, field, "text")
	}
}

func (d *document) is(n *yaml.Node, kind yaml.Kind, field, want string) bool {
	if n.Kind == kind {
		return true
	}
	got := map[yaml.Kind]string{yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list", yaml.ScalarNode: fmt.Sprintf("%q", n.Value)}[n.Kind]
	d.add(n.Line, field, "is %s; want %s", got, want)
	return false
}

func (d *document) mapping(n *yaml.Node, t reflect.Type, field string) {
	known := map[string]reflect.Type{}
	for i := range t.NumField() {
		known[t.Field(i).Tag.Get("yaml")] = t.Field(i).Type
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		ft, ok := known[key.Value]
		switch {
		case !ok:
			d.add(key.Line, join(field, key.Value), "there is no such field%s", suggestion(key.Value, known))
		case seen[key.Value]:
			d.add(key.Line, join(field, key.Value), "is written twice")
		default:
			d.check(value, ft, join(field, key.Value))
		}
		seen[key.Value] = true
	}
}

func join(field, key string) string {
	if field == "" {
		return key
	}
	return field + "." + key
}

// suggestion names the known key that is nearest to a mistyped one.
func suggestion(key string, known map[string]reflect.Type) string {
	best, distance := "", 3
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(key) < 64 {
		for _, name := range names {
			if n := edits(strings.ToLower(key), strings.ToLower(name)); n < distance {
				best, distance = name, n
			}
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return "; known are " + strings.Join(names, ", ")
}

// edits counts the letters to insert, drop or change from a to b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
