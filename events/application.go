// SPDX-License-Identifier: Apache-2.0

package events

// ApplicationRequested asks for an app to exist in the given form. It is the
// only way by which an app is created or changed through the API.
type ApplicationRequested struct {
	Name       string `json:"name"`
	Repository string `json:"repository,omitempty"` // clone URL; empty for an app that is not built
	Branch     string `json:"branch,omitempty"`     // default main
	Path       string `json:"path,omitempty"`       // folder inside the repository
	Spec       string `json:"spec,omitempty"`       // OAM v1beta1 Application, YAML; empty: the one in the repository
	By         string `json:"by,omitempty"`
}

func (ApplicationRequested) EventType() Type {
	return "dev.cdeventsx.hydra-application.requested.0.1.0"
}
func (e ApplicationRequested) SubjectID() string { return e.Name }

// ApplicationRemovalRequested asks for an app and its objects to be removed.
type ApplicationRemovalRequested struct {
	Name string `json:"name"`
	By   string `json:"by,omitempty"`
}

func (ApplicationRemovalRequested) EventType() Type {
	return "dev.cdeventsx.hydra-application.removalrequested.0.1.0"
}
func (e ApplicationRemovalRequested) SubjectID() string { return e.Name }
