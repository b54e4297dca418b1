// SPDX-License-Identifier: Apache-2.0

package oam

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits that keep a hostile file from costing more than a large honest one.
const (
	maxProblems = 50
	maxNodes    = 50_000
	maxDepth    = 40
)

// A decoder fills structs from YAML nodes by the tags of their fields:
//
//	json     name of the key; an embedded struct's keys are the outer one's
//	need     "required" where the key must be there
//	default  value of a scalar whose key is missing
//	enum     allowed values, with commas between
//	range    least and greatest number, such as "1-65535"
type decoder struct {
	file     string
	problems []Problem
	warnings []Problem
	lines    map[string]int // line of each field that was seen
	nodes    int
}

func (d *decoder) fail(line int, field, format string, args ...any) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, Problem{d.file, line, field, fmt.Sprintf(format, args...)})
	}
}

func (d *decoder) warn(line int, field, format string, args ...any) {
	if len(d.warnings) < maxProblems {
		d.warnings = append(d.warnings, Problem{d.file, line, field, fmt.Sprintf(format, args...)})
	}
}

// at reports a problem with a field after it was decoded; a field that is not
// in the file has the line of the nearest one around it.
func (d *decoder) at(field, format string, args ...any) {
	d.fail(d.line(field), field, format, args...)
}

func (d *decoder) line(field string) int {
	for f := field; f != ""; {
		if line, ok := d.lines[f]; ok {
			return line
		}
		f = f[:max(strings.LastIndexAny(f, ".["), 0)]
	}
	return 1
}

// resolve follows an alias and counts the visit.
func (d *decoder) resolve(n *yaml.Node, path string, depth int) (*yaml.Node, bool) {
	if d.nodes++; d.nodes > maxNodes || depth > maxDepth {
		if d.nodes <= maxNodes+1 {
			d.nodes = maxNodes + 1
			d.fail(n.Line, path, "the file is nested too deep or refers to itself too often")
		}
		return nil, false
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias, n.Alias != nil
	}
	return n, true
}

type entry struct {
	key   string
	node  *yaml.Node // the key
	value *yaml.Node
}

// entries lists the keys of a mapping, with merged ones (<<) after its own.
func (d *decoder) entries(n *yaml.Node, path string, depth int) []entry {
	var own, merged []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			merged = append(merged, d.merged(value, path, depth+1)...)
			continue
		}
		if key.Kind != yaml.ScalarNode {
			d.fail(key.Line, path, "want a plain word as key, got %s", describe(key))
			continue
		}
		if slices.ContainsFunc(own, func(e entry) bool { return e.key == key.Value }) {
			d.fail(key.Line, join(path, key.Value), "the key is there twice")
			continue
		}
		own = append(own, entry{key.Value, key, value})
	}
	for _, m := range merged {
		if !slices.ContainsFunc(own, func(e entry) bool { return e.key == m.key }) {
			own = append(own, m)
		}
	}
	return own
}

func (d *decoder) merged(n *yaml.Node, path string, depth int) []entry {
	n, ok := d.resolve(n, path, depth)
	if !ok {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return d.entries(n, path, depth)
	case yaml.SequenceNode:
		var out []entry
		for _, item := range n.Content {
			out = append(out, d.merged(item, path, depth+1)...)
		}
		return out
	}
	d.fail(n.Line, path, "want an object behind <<, got %s", describe(n))
	return nil
}

// decode fills v, which is settable, from n.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag, depth int) {
	n, ok := d.resolve(n, path, depth)
	if !ok {
		return
	}
	if _, seen := d.lines[path]; !seen {
		d.lines[path] = n.Line
	}
	if v.Type() == reflect.TypeFor[Quantity]() {
		d.quantity(n, v, path)
		return
	}
	null := n.Kind == yaml.ScalarNode && n.Tag == "!!null"
	if v.Type() == reflect.TypeFor[yamlNode]() {
		if !null {
			v.Set(reflect.ValueOf(yamlNode{n}))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if null {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), path, tag, depth)
	case reflect.Struct:
		if null { // what it needs is still missing
			n = &yaml.Node{Kind: yaml.MappingNode, Line: n.Line}
		}
		if n.Kind != yaml.MappingNode {
			d.fail(n.Line, path, "want an object, got %s", describe(n))
			return
		}
		d.object(n, v, path, depth)
	case reflect.Slice:
		if null {
			return
		}
		if n.Kind != yaml.SequenceNode {
			d.fail(n.Line, path, "want a list, got %s", describe(n))
			return
		}
		out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, item := range n.Content {
			d.decode(item, out.Index(i), fmt.Sprintf("%s[%d]", path, i), tag, depth+1)
		}
		v.Set(out)
	case reflect.Map:
		d.mapping(n, v, path, depth)
	case reflect.Interface:
		if value := d.free(n, path, depth); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		d.scalar(n, v, path, tag)
	}
}

func (d *decoder) object(n *yaml.Node, v reflect.Value, path string, depth int) {
	fields := fieldsOf(v)
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	seen := map[string]bool{}
	for _, e := range d.entries(n, path, depth) {
		i := slices.Index(names, e.key)
		if i < 0 {
			d.unknown(e, path, names)
			continue
		}
		seen[e.key] = true
		d.lines[join(path, e.key)] = e.node.Line
		d.decode(e.value, fields[i].value, join(path, e.key), fields[i].tag, depth+1)
	}
	for _, f := range fields {
		if seen[f.name] {
			continue
		}
		if f.tag.Get("need") == "required" {
			d.fail(n.Line, join(path, f.name), "is missing; want %s", expected(f.value.Type(), f.tag))
		}
		d.missing(f)
	}
}

func (d *decoder) unknown(e entry, path string, names []string) {
	if near, ok := nearest(e.key, names); ok {
		d.warn(e.node.Line, join(path, e.key), "unknown key, ignored; did you mean %s?", near)
		return
	}
	d.warn(e.node.Line, join(path, e.key), "unknown key, ignored; known here: %s", strings.Join(names, ", "))
}

// missing gives a field whose key is not there its default.
func (d *decoder) missing(f field) {
	if f.value.Kind() == reflect.Struct && f.value.Type() != reflect.TypeFor[yamlNode]() {
		d.fill(f.value)
		return
	}
	text, ok := f.tag.Lookup("default")
	if !ok {
		return
	}
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: text, Tag: "!!str"}
	if f.value.Kind() != reflect.String {
		node.Tag = ""
	}
	d.set(node, f.value)
}

func (d *decoder) fill(v reflect.Value) {
	for _, f := range fieldsOf(v) {
		d.missing(f)
	}
}

// set is for defaults, which are written in this package and fit.
func (d *decoder) set(n *yaml.Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
	case reflect.Int, reflect.Int32, reflect.Int64:
		i, _ := strconv.ParseInt(n.Value, 10, 64)
		v.SetInt(i)
	case reflect.Bool:
		v.SetBool(n.Value == "true")
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string, depth int) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n.Line, path, "want an object, got %s", describe(n))
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, e := range d.entries(n, path, depth) {
		at := join(path, e.key)
		d.lines[at] = e.node.Line
		item := reflect.New(v.Type().Elem()).Elem()
		d.decode(e.value, item, at, "", depth+1)
		out.SetMapIndex(reflect.ValueOf(e.key), item)
	}
	v.Set(out)
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	want := expected(v.Type(), tag)
	if n.Kind != yaml.ScalarNode {
		d.fail(n.Line, path, "want %s, got %s", want, describe(n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		if n.Tag != "!!str" {
			hint := "; put it in quotes"
			if n.Tag == "!!null" {
				hint = ""
			}
			d.fail(n.Line, path, "want %s, got %s%s", want, describe(n), hint)
			return
		}
		if enum := tag.Get("enum"); enum != "" && !slices.Contains(strings.Split(enum, ","), n.Value) {
			hint := ""
			if near, ok := nearest(n.Value, strings.Split(enum, ",")); ok && near != "" {
				hint = "; did you mean " + near + "?"
			}
			d.fail(n.Line, path, "want %s, got %s%s", want, describe(n), hint)
			return
		}
		v.SetString(n.Value)
	case reflect.Bool:
		var b bool
		if n.Tag != "!!bool" || n.Decode(&b) != nil {
			d.fail(n.Line, path, "want true or false, got %s", describe(n))
			return
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		var i int64
		least, greatest := limits(tag)
		if n.Tag != "!!int" || n.Decode(&i) != nil || i < least || i > greatest {
			d.fail(n.Line, path, "want %s, got %s", want, describe(n))
			return
		}
		v.SetInt(i)
	case reflect.Float64:
		var f float64
		if n.Tag != "!!int" && n.Tag != "!!float" || n.Decode(&f) != nil || math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
			d.fail(n.Line, path, "want a number, 0 or more, got %s", describe(n))
			return
		}
		v.SetFloat(f)
	default:
		panic("oam: no way to decode into " + v.Type().String())
	}
}

// free decodes a value of any shape into what JSON knows.
func (d *decoder) free(n *yaml.Node, path string, depth int) any {
	n, ok := d.resolve(n, path, depth)
	if !ok {
		return nil
	}
	d.lines[path] = n.Line
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for _, e := range d.entries(n, path, depth) {
			out[e.key] = d.free(e.value, join(path, e.key), depth+1)
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, item := range n.Content {
			out[i] = d.free(item, fmt.Sprintf("%s[%d]", path, i), depth+1)
		}
		return out
	}
	var i int64
	var f float64
	var b bool
	switch {
	case n.Tag == "!!null":
		return nil
	case n.Tag == "!!bool" && n.Decode(&b) == nil:
		return b
	case n.Tag == "!!int" && n.Decode(&i) == nil:
		return i
	case (n.Tag == "!!float" || n.Tag == "!!int") && n.Decode(&f) == nil && !math.IsNaN(f) && !math.IsInf(f, 0):
		return f
	}
	return n.Value
}
