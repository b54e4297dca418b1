// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// Project is a tenant with its own apps, namespace, webhooks and tokens.
type Project struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Namespace   string    `json:"namespace" doc:"Where its objects are in the cluster"`
	CreatedAt   time.Time `json:"createdAt"`
}

func toProject(p record.Project) Project {
	return Project{Name: p.Name, Description: p.Description, Namespace: record.Namespace(p.Name), CreatedAt: p.CreatedAt}
}

// ProjectRequest creates a project.
type ProjectRequest struct {
	Name        string `json:"name" minLength:"1" maxLength:"40" doc:"Lower case letters, digits and hyphens, beginning with a letter"`
	Description string `json:"description,omitempty" maxLength:"500"`
}

func (s *Service) routeProjects() {
	add(s, op("list-projects", http.MethodGet, base+"/projects", "projects", "Projects that the token may use", anybody), s.listProjects)
	add(s, op("create-project", http.MethodPost, base+"/projects", "projects", "Create a project", admins, status(http.StatusCreated),
		describe("202 instead of 201 when the project was not there yet within the time the gateway waits.")), s.createProject)
	add(s, op("get-project", http.MethodGet, inProject, "projects", "One project", anybody), s.getProject)
	add(s, op("delete-project", http.MethodDelete, inProject, "projects", "Delete a project with all it owns", admins, status(http.StatusAccepted),
		describe("Its apps, webhooks and project tokens go with it. The event history stays.")), s.deleteProject)
	s.also(http.MethodPost, base+"/projects", http.StatusAccepted, "Accepted, not there yet")
}

func (s *Service) listProjects(ctx context.Context, in *Limited) (*ok[List[Project]], error) {
	records, err := s.projects.values(ctx)
	if err != nil {
		return nil, err
	}
	who := caller(ctx)
	items := []Project{}
	for _, p := range records {
		if who.may(p.Name) {
			items = append(items, toProject(p))
		}
	}
	return &ok[List[Project]]{list(items, in.Limit)}, nil
}

func (s *Service) createProject(ctx context.Context, in *struct{ Body ProjectRequest }) (*answered[Project], error) {
	name := in.Body.Name
	if err := events.ValidateName("project", name); err != nil {
		return nil, at(problem(http.StatusUnprocessableEntity, "%s", err), "body.name", err.Error())
	}
	if _, exists, err := s.projects.lookup(ctx, name); err != nil {
		return nil, err
	} else if exists {
		return nil, problem(http.StatusConflict, "project %q exists already", name)
	}
	now := s.clock.Now()
	if err := s.bus.Emit(ctx, events.ProjectCreated{Name: name, Description: in.Body.Description, By: caller(ctx).Name}, bus.For(name, "")); err != nil {
		return nil, err
	}
	p, there, err := s.projects.await(ctx, name, s.cfg.Wait, func(_ record.Project, exists bool) bool { return exists })
	if err != nil {
		return nil, err
	}
	if !there {
		p = record.Project{Name: name, Description: in.Body.Description, CreatedAt: now}
		return &answered[Project]{http.StatusAccepted, toProject(p)}, nil
	}
	return &answered[Project]{http.StatusCreated, toProject(p)}, nil
}

func (s *Service) getProject(ctx context.Context, in *ProjectPath) (*ok[Project], error) {
	p, err := s.project(ctx, in.Project)
	if err != nil {
		return nil, err
	}
	return &ok[Project]{toProject(p)}, nil
}

func (s *Service) deleteProject(ctx context.Context, in *ProjectPath) (*answered[Accepted], error) {
	if _, err := s.project(ctx, in.Project); err != nil {
		return nil, err
	}
	if err := s.bus.Emit(ctx, events.ProjectDeleted{Name: in.Project, By: caller(ctx).Name}, bus.For(in.Project, "")); err != nil {
		return nil, err
	}
	if _, _, err := s.projects.await(ctx, in.Project, s.cfg.Wait, func(_ record.Project, exists bool) bool { return !exists }); err != nil {
		return nil, err
	}
	return &answered[Accepted]{http.StatusAccepted, Accepted{true, "project " + in.Project + " is being removed with its apps and its namespace"}}, nil
}

// project returns the record or says what to do.
func (s *Service) project(ctx context.Context, name string) (record.Project, error) {
	p, exists, err := s.projects.lookup(ctx, name)
	if err == nil && !exists {
		err = problem(http.StatusNotFound, "project %q does not exist; create it with `hydra project create %s`", name, name)
	}
	return p, err
}

// onProjectCreated keeps the project. A second delivery finds it there.
func (s *Service) onProjectCreated(ctx context.Context, e events.Event[events.ProjectCreated]) error {
	if err := events.ValidateName("project", e.Data.Name); err != nil {
		return bus.Permanent(err)
	}
	kv, err := s.projects.get(ctx)
	if err != nil {
		return err
	}
	_, err = kv.Update(ctx, e.Data.Name, func(p *record.Project, exists bool) error {
		if !exists {
			*p = record.Project{Name: e.Data.Name, Description: e.Data.Description, CreatedAt: e.Time}
		}
		return nil
	})
	return err
}

// onProjectDeleted removes what the gateway keeps for a project. Tokens lose
// it, so that they do not open a later project of the same name.
func (s *Service) onProjectDeleted(ctx context.Context, e events.Event[events.ProjectDeleted]) error {
	name := e.Data.Name
	if err := events.ValidateName("project", name); err != nil {
		return bus.Permanent(err)
	}
	hooks, err := s.webhooks.values(ctx, name)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		if err := s.webhooks.remove(ctx, record.Key(name, h.ID)); err != nil {
			return err
		}
	}
	if err := s.narrowTokens(ctx, name); err != nil {
		return err
	}
	return s.projects.remove(ctx, name)
}

func (s *Service) narrowTokens(ctx context.Context, project string) error {
	kv, err := s.tokens.get(ctx)
	if err != nil {
		return err
	}
	entries, err := kv.List(ctx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains(e.Value.Projects, project) {
			continue
		}
		if len(e.Value.Projects) == 1 && !e.Value.Admin {
			if err := kv.Delete(ctx, e.Key); err != nil {
				return err
			}
			continue
		}
		if _, err := kv.Update(ctx, e.Key, func(t *record.Token, _ bool) error {
			t.Projects = slices.DeleteFunc(t.Projects, func(p string) bool { return p == project })
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
