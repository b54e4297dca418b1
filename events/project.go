// SPDX-License-Identifier: Apache-2.0

package events

// ProjectCreated says that a project exists: a tenant with its own apps,
// namespace, webhooks and tokens.
type ProjectCreated struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	By          string `json:"by,omitempty"` // name of the token
}

func (ProjectCreated) EventType() Type     { return "dev.cdeventsx.hydra-project.created.0.1.0" }
func (e ProjectCreated) SubjectID() string { return e.Name }

// ProjectDeleted says that a project and all it owns is to go.
type ProjectDeleted struct {
	Name string `json:"name"`
	By   string `json:"by,omitempty"`
}

func (ProjectDeleted) EventType() Type     { return "dev.cdeventsx.hydra-project.deleted.0.1.0" }
func (e ProjectDeleted) SubjectID() string { return e.Name }

// WebhookCreated says that a forge may now deliver to the project. The secret
// is never part of an event.
type WebhookCreated struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
	By       string `json:"by,omitempty"`
}

func (WebhookCreated) EventType() Type     { return "dev.cdeventsx.hydra-webhook.created.0.1.0" }
func (e WebhookCreated) SubjectID() string { return e.ID }

// WebhookDeleted says that deliveries to this webhook are refused from now on.
type WebhookDeleted struct {
	ID string `json:"id"`
	By string `json:"by,omitempty"`
}

func (WebhookDeleted) EventType() Type     { return "dev.cdeventsx.hydra-webhook.deleted.0.1.0" }
func (e WebhookDeleted) SubjectID() string { return e.ID }
