// SPDX-License-Identifier: Apache-2.0

package oam

import "time"

// The object that a file holds.
const (
	APIVersion = "core.oam.dev/v1beta1"
	Kind       = "Application"
)

// DeadlineAnnotation on an Application says how long its revisions may take to
// become healthy, as a Go duration.
const DeadlineAnnotation = "hydra.dev/health-deadline"

// Limits of the deadline.
const (
	MinDeadline = 5 * time.Second
	MaxDeadline = time.Hour
)

// Application is a checked Application.
type Application struct {
	Name        string
	Labels      map[string]string
	Annotations map[string]string
	Components  []Component
	Deadline    time.Duration // 0: not said
}

// Component is one component of an Application. Properties points to the
// struct of its type, such as [Webservice].
type Component struct {
	Name       string
	Type       string // without the version that may follow an @
	Properties any
	Traits     []Trait
	DependsOn  []string
	Wave       int // 0, or one more than the latest of what it depends on
}

// Trait is one trait of a component. Properties points to the struct of its
// type, such as [Gateway].
type Trait struct {
	Type       string
	Properties any
}

// Container returns what the component's container is made from, or nil for a
// type that has none.
func (c Component) Container() *Container {
	switch p := c.Properties.(type) {
	case *Webservice:
		return &p.Container
	case *Worker:
		return &p.Container
	case *Task:
		return &p.Container
	}
	return nil
}

// NeedsImage lists the components that take the image that Hydra built.
func (a *Application) NeedsImage() []string {
	var names []string
	for _, c := range a.Components {
		if container := c.Container(); container != nil && container.Image == "" {
			names = append(names, c.Name)
		}
	}
	return names
}

// TraitsOf returns the properties of the component's traits that are of type T.
func TraitsOf[T any](c Component) []*T {
	var out []*T
	for _, t := range c.Traits {
		if p, ok := t.Properties.(*T); ok {
			out = append(out, p)
		}
	}
	return out
}
