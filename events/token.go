// SPDX-License-Identifier: Apache-2.0

package events

// TokenCreated says that somebody may use the API. The token itself is never
// part of an event.
type TokenCreated struct {
	ID       string   `json:"id"` // first part of the token's fingerprint
	Name     string   `json:"name"`
	Projects []string `json:"projects,omitempty"`
	Admin    bool     `json:"admin,omitempty"`
	By       string   `json:"by,omitempty"`
}

func (TokenCreated) EventType() Type     { return "dev.cdeventsx.hydra-token.created.0.1.0" }
func (e TokenCreated) SubjectID() string { return e.ID }

// TokenRevoked says that the token is refused from now on.
type TokenRevoked struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	By   string `json:"by,omitempty"`
}

func (TokenRevoked) EventType() Type     { return "dev.cdeventsx.hydra-token.revoked.0.1.0" }
func (e TokenRevoked) SubjectID() string { return e.ID }
