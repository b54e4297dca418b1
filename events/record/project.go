// SPDX-License-Identifier: Apache-2.0

package record

import "time"

// Project is a tenant. Key: name.
type Project struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	CreatedAt   time.Time `json:"createdAt"`
}

// Namespace is where a project's objects live in the cluster.
func Namespace(project string) string { return "hydra-" + project }

// Webhook is an address to which a forge delivers. Key: project.id.
type Webhook struct {
	ID        string    `json:"id"`
	Project   string    `json:"project"`
	Provider  string    `json:"provider"` // github, gitlab, gitea
	Secret    string    `json:"secret"`   // never shown again after creation
	CreatedAt time.Time `json:"createdAt"`
}

// Token is a bearer token. Key: the hex SHA-256 of the token, so that the
// store never holds one that could be used.
type Token struct {
	Name      string    `json:"name"`
	Projects  []string  `json:"projects,omitempty"` // empty: all, with Admin
	Admin     bool      `json:"admin,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}
