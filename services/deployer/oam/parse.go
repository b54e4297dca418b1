// SPDX-License-Identifier: Apache-2.0

package oam

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// MaxSize is how long a file may be, in bytes.
const MaxSize = 256 << 10

// types are the properties of each type of component and trait. It is a
// function so that nobody can change the lists.
func types() (components, traits map[string]reflect.Type) {
	return map[string]reflect.Type{
			"webservice":  reflect.TypeFor[Webservice](),
			"worker":      reflect.TypeFor[Worker](),
			"task":        reflect.TypeFor[Task](),
			"k8s-objects": reflect.TypeFor[Objects](),
		}, map[string]reflect.Type{
			"scaler":      reflect.TypeFor[Scaler](),
			"cpuscaler":   reflect.TypeFor[CPUScaler](),
			"hpa":         reflect.TypeFor[HPA](),
			"autoscaler":  reflect.TypeFor[Autoscaler](),
			"gateway":     reflect.TypeFor[Gateway](),
			"expose":      reflect.TypeFor[Expose](),
			"env":         reflect.TypeFor[Env](),
			"resource":    reflect.TypeFor[Resource](),
			"labels":      reflect.TypeFor[Labels](),
			"annotations": reflect.TypeFor[Annotations](),
		}
}

// The file's shape down to where types begin.
type document struct {
	APIVersion string `json:"apiVersion" need:"required"`
	Kind       string `json:"kind" need:"required"`
	Metadata   struct {
		Name        string            `json:"name" need:"required"`
		Namespace   string            `json:"namespace"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata" need:"required"`
	Spec struct {
		Components []struct {
			Name             string       `json:"name" need:"required"`
			Type             string       `json:"type" need:"required"`
			Properties       yamlNode     `json:"properties"`
			Traits           []typedBlock `json:"traits"`
			DependsOn        []string     `json:"dependsOn"`
			Inputs           any          `json:"inputs"`
			Outputs          any          `json:"outputs"`
			ExternalRevision string       `json:"externalRevision"`
			Scopes           any          `json:"scopes"`
		} `json:"components" need:"required"`
		Policies []typedBlock `json:"policies"`
		Workflow any          `json:"workflow"`
	} `json:"spec" need:"required"`
}

type typedBlock struct {
	Name       string   `json:"name"`
	Type       string   `json:"type" need:"required"`
	Properties yamlNode `json:"properties"`
}

// yamlNode keeps what is decoded later, when its type is known.
type yamlNode struct{ *yaml.Node }

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// Parse reads and checks an Application. file is the name that problems carry.
// The error is an [*Invalid]; warnings come with and without one.
func Parse(file string, data []byte) (app *Application, warnings []Problem, err error) {
	d := &decoder{file: file, lines: map[string]int{}}
	app = d.parse(data)
	slices.SortFunc(d.problems, inOrder)
	slices.SortFunc(d.warnings, inOrder)
	if len(d.problems) > 0 {
		return nil, d.warnings, &Invalid{d.problems}
	}
	return app, d.warnings, nil
}

// inOrder is the same for the same file, whatever order maps are walked in.
func inOrder(a, b Problem) int {
	return cmp.Or(a.Line-b.Line, strings.Compare(a.Field, b.Field), strings.Compare(a.Message, b.Message))
}

func (d *decoder) parse(data []byte) *Application {
	if len(data) > MaxSize {
		d.fail(1, "", "the file has %d bytes; want at most %d", len(data), MaxSize)
		return nil
	}
	root := d.root(data)
	if root == nil {
		return nil
	}
	var doc document
	d.decode(root, reflect.ValueOf(&doc).Elem(), "", "", 0)
	if doc.APIVersion != "" && doc.APIVersion != APIVersion {
		d.at("apiVersion", "want %s, got %q", APIVersion, doc.APIVersion)
	}
	if doc.Kind != "" && doc.Kind != Kind {
		d.at("kind", "want %s, got %q", Kind, doc.Kind)
	}
	app := &Application{Name: doc.Metadata.Name, Labels: doc.Metadata.Labels, Annotations: doc.Metadata.Annotations}
	components, traits := types()
	for i, c := range doc.Spec.Components {
		at := fmt.Sprintf("spec.components[%d]", i)
		component := Component{Name: c.Name, DependsOn: c.DependsOn}
		component.Type, component.Properties = d.typed("component", at, c.Type, c.Properties, components)
		for j, t := range c.Traits {
			var trait Trait
			trait.Type, trait.Properties = d.typed("trait", fmt.Sprintf("%s.traits[%d]", at, j), t.Type, t.Properties, traits)
			component.Traits = append(component.Traits, trait)
		}
		// Without these the objects would not be those that the file describes.
		if c.Inputs != nil {
			d.at(at+".inputs", "values passed between components are not supported; write the value where it is needed")
		}
		if c.Outputs != nil {
			d.at(at+".outputs", "values passed between components are not supported; write the value where it is needed")
		}
		app.Components = append(app.Components, component)
	}
	if len(doc.Spec.Components) == 0 && len(d.problems) == 0 {
		d.at("spec.components", "is empty; want at least one component")
	}
	if doc.Spec.Workflow != nil {
		d.warn(d.line("spec.workflow"), "spec.workflow", "ignored: all components are rolled out together, in the order of dependsOn")
	}
	d.policies(app, doc.Spec.Policies)
	d.deadline(app, DeadlineAnnotation, "metadata.annotations."+DeadlineAnnotation, doc.Metadata.Annotations[DeadlineAnnotation])
	d.check(app)
	return app
}

// root parses the one document of the file.
func (d *decoder) root(data []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if errors.Is(err, io.EOF) {
		d.fail(1, "", "the file is empty; want an Application")
		return nil
	}
	if err == nil {
		if e := decoder.Decode(&second); e == nil {
			d.fail(second.Line, "", "a second document begins here; want one Application in the file")
			return nil
		} else if !errors.Is(e, io.EOF) {
			err = e
		}
	}
	if err != nil {
		line := 1
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil && m[1] != "" {
			line, _ = strconv.Atoi(m[1])
		}
		d.fail(line, "", "not YAML: %s", yamlLine.ReplaceAllString(err.Error(), ""))
		return nil
	}
	if len(first.Content) != 1 || first.Content[0].Kind != yaml.MappingNode {
		d.fail(max(first.Line, 1), "", "want an Application object")
		return nil
	}
	return first.Content[0]
}

// typed decodes properties into the struct of the named type.
func (d *decoder) typed(kind, at, name string, n yamlNode, known map[string]reflect.Type) (string, any) {
	name, _, _ = strings.Cut(name, "@")
	if name == "" {
		return "", nil // reported as missing
	}
	t, ok := known[name]
	if !ok {
		names := make([]string, 0, len(known))
		for k := range known {
			names = append(names, k)
		}
		slices.Sort(names)
		hint := ""
		if near, ok := nearest(name, names); ok {
			hint = "; did you mean " + near + "?"
		}
		d.at(at+".type", "%s type %q is not supported; want one of %s%s", kind, name, strings.Join(names, ", "), hint)
		return name, nil
	}
	properties := reflect.New(t)
	path := at + ".properties"
	node := n.Node
	if node == nil {
		node = &yaml.Node{Kind: yaml.MappingNode, Line: d.line(at)}
	}
	d.decode(node, properties.Elem(), path, "", 3)
	return name, properties.Interface()
}

func (d *decoder) policies(app *Application, policies []typedBlock) {
	for i, p := range policies {
		at := fmt.Sprintf("spec.policies[%d]", i)
		switch p.Type {
		case "health-deadline":
			var properties struct {
				Duration string `json:"duration" need:"required"`
			}
			node := p.Properties.Node
			if node == nil {
				node = &yaml.Node{Kind: yaml.MappingNode, Line: d.line(at)}
			}
			d.decode(node, reflect.ValueOf(&properties).Elem(), at+".properties", "", 3)
			d.deadline(app, "duration", at+".properties.duration", properties.Duration)
		case "override", "replication":
			d.at(at+".type", "policy type %q changes what is deployed and is not supported; write the change into the components", p.Type)
		case "":
		default:
			d.warn(d.line(at), at, "policy type %q is ignored; known here: health-deadline", p.Type)
		}
	}
}

func (d *decoder) deadline(app *Application, name, at, text string) {
	if text == "" {
		return
	}
	deadline, err := time.ParseDuration(text)
	if err != nil || deadline < MinDeadline || deadline > MaxDeadline {
		d.at(at, "want %s as a duration from %s to %s, such as 90s, got %q", name, MinDeadline, MaxDeadline, text)
		return
	}
	app.Deadline = deadline
}
