// SPDX-License-Identifier: Apache-2.0

package oam

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Quantity is an amount of CPU or memory in Kubernetes' notation. It may be
// written as a number or as text.
type Quantity string

// quantityShape leaves out exponents: nobody writes them, and a large one is
// a number of a gigabyte of digits.
var quantityShape = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,9})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$`)

func (d *decoder) quantity(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode || !quantityShape.MatchString(n.Value) {
		d.fail(n.Line, path, "want a quantity such as 500m, 0.5 or 128Mi, got %s", describe(n))
		return
	}
	v.SetString(n.Value)
}

type field struct {
	name  string
	value reflect.Value
	tag   reflect.StructTag
}

// fieldsOf lists the keys of a struct, in order, with those of embedded
// structs in their place.
func fieldsOf(v reflect.Value) []field {
	var out []field
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			out = append(out, fieldsOf(v.Field(i))...)
			continue
		}
		if name := f.Tag.Get("json"); name != "" && name != "-" {
			out = append(out, field{name, v.Field(i), f.Tag})
		}
	}
	return out
}

// expected says what a field takes, for messages and the reference.
func expected(t reflect.Type, tag reflect.StructTag) string {
	if t == reflect.TypeFor[Quantity]() {
		return "a quantity"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return expected(t.Elem(), tag)
	case reflect.String:
		if enum := tag.Get("enum"); enum != "" {
			return "one of " + strings.ReplaceAll(enum, ",", ", ")
		}
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int32, reflect.Int64:
		least, greatest := limits(tag)
		switch {
		case tag.Get("range") != "":
			return fmt.Sprintf("a whole number from %d to %d", least, greatest)
		default:
			return "a whole number"
		}
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

func limits(tag reflect.StructTag) (least, greatest int64) {
	a, b, ok := strings.Cut(tag.Get("range"), "-")
	if !ok {
		return 0, math.MaxInt32
	}
	least, _ = strconv.ParseInt(a, 10, 64)
	greatest, _ = strconv.ParseInt(b, 10, 64)
	return least, greatest
}

// describe says what a node is, for messages.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "an object"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	value := n.Value
	if len(value) > 40 {
		value = value[:40] + "…"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + value
	case "!!bool":
		return value
	}
	return strconv.Quote(value)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
