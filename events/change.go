// SPDX-License-Identifier: Apache-2.0

package events

import "time"

// Reference names a thing by id and, where it is not Hydra's own, its source.
type Reference struct {
	ID     string `json:"id"`
	Source string `json:"source,omitempty"`
}

// Commit is one commit as its forge reported it.
type Commit struct {
	Repository string    `json:"repository"` // clone URL, without credentials
	Branch     string    `json:"branch,omitempty"`
	SHA        string    `json:"sha"`
	Message    string    `json:"message,omitempty"` // first line
	Author     string    `json:"author,omitempty"`
	Time       time.Time `json:"time,omitzero"`
}

// ChangeMerged says that a commit arrived on a branch. The gateway emits one
// for each app that is built from the repository and branch.
type ChangeMerged struct {
	Repository *Reference `json:"repository,omitempty" cdevents:"content"`

	ChangeID string `json:"changeId"` // the commit's SHA
	Commit   Commit `json:"commit"`
	Provider string `json:"provider"` // github, gitlab, gitea
	Delivery string `json:"delivery"` // the forge's own delivery id
}

func (ChangeMerged) EventType() Type     { return "dev.cdevents.change.merged.0.3.0" }
func (e ChangeMerged) SubjectID() string { return e.ChangeID }
