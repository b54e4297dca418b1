// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"go.yaml.in/yaml/v3"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/services/gateway/forge"
)

const (
	oamVersion = "core.oam.dev/v1beta1"
	oamKind    = "Application"
)

// checkApp finds what can be known to be wrong without the deployer: the
// request's own fields, and that the spec is an Application of that name.
func checkApp(name string, want AppRequest) *huma.ErrorModel {
	bad := func(field, format string, args ...any) *huma.ErrorModel {
		message := fmt.Sprintf(format, args...)
		return at(problem(http.StatusUnprocessableEntity, "app %q: %s", name, message), "body."+field, message)
	}
	if err := events.ValidateName("app", name); err != nil {
		return at(problem(http.StatusUnprocessableEntity, "%s", err), "path.app", err.Error())
	}
	if want.Repository == "" && want.Spec == "" {
		return bad("repository", "give a repository to build or a spec to run")
	}
	if err := checkRepository(want.Repository); err != nil {
		return bad("repository", "%s", err)
	}
	if err := checkBranch(want.Branch); err != nil {
		return bad("branch", "%s", err)
	}
	if p := want.Path; p != "" && (path.IsAbs(p) || path.Clean(p) != strings.TrimSuffix(p, "/") || strings.HasPrefix(p, "..")) {
		return bad("path", "path %q: want a folder below the repository's root, such as services/shop", p)
	}
	if want.Spec != "" {
		return checkSpec(name, want.Spec)
	}
	return nil
}

func checkRepository(repository string) error {
	if repository == "" || path.IsAbs(repository) || forge.IsSCP(repository) {
		return nil
	}
	u, err := url.Parse(repository)
	if err != nil || u.Path == "" {
		return fmt.Errorf("repository %q: want a clone URL, such as https://github.com/acme/shop.git, or an absolute path", repository)
	}
	if _, secret := u.User.Password(); secret {
		return errors.New("the repository's URL holds a password; every reader of the events would see it")
	}
	switch u.Scheme {
	case "https", "http", "ssh", "git":
		if u.Host == "" {
			return fmt.Errorf("repository %q has no host", repository)
		}
	case "file":
	default:
		return fmt.Errorf("repository %q: want https, http, ssh, git or file", repository)
	}
	return nil
}

// badBranch is what git check-ref-format refuses in a branch's name.
var badBranch = regexp.MustCompile(`[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$|/\.`)

func checkBranch(branch string) error {
	if branch != "" && badBranch.MatchString(branch) {
		return fmt.Errorf("branch %q is no name that git allows", branch)
	}
	return nil
}

// checkSpec looks at the head of an Application; what is below is the
// deployer's to judge.
func checkSpec(name, spec string) *huma.ErrorModel {
	bad := func(line int, field, format string, args ...any) *huma.ErrorModel {
		message := fmt.Sprintf(format, args...)
		where := "body.spec"
		if line > 0 {
			where = fmt.Sprintf("body.spec:%d", line)
		}
		if field != "" {
			where += "." + field
			message = field + ": " + message
		}
		if line > 0 {
			message = fmt.Sprintf("line %d: %s", line, message)
		}
		return at(problem(http.StatusUnprocessableEntity, "spec of app %q: %s", name, message), where, message)
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(spec), &document); err != nil {
		return bad(0, "", "%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return bad(1, "", "want one YAML document that is a mapping")
	}
	root := document.Content[0]
	if node := field(root, "apiVersion"); node == nil || node.Value != oamVersion {
		return bad(lineOf(node, root), "apiVersion", "want %s", oamVersion)
	}
	if node := field(root, "kind"); node == nil || node.Value != oamKind {
		return bad(lineOf(node, root), "kind", "want %s", oamKind)
	}
	if metadata := field(root, "metadata"); metadata != nil {
		if node := field(metadata, "name"); node != nil && node.Value != name {
			return bad(node.Line, "metadata.name", "is %q, but the request is for app %q", node.Value, name)
		}
	}
	components := field(field(root, "spec"), "components")
	if components == nil || components.Kind != yaml.SequenceNode || len(components.Content) == 0 {
		return bad(lineOf(components, root), "spec.components", "want at least one component")
	}
	return nil
}

func field(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func lineOf(node, otherwise *yaml.Node) int {
	if node != nil {
		return node.Line
	}
	return otherwise.Line
}

// position finds "file:line" at the head of a reason that the deployer wrote.
var position = regexp.MustCompile(`^([^\s:]+:\d+)(?::\d+)?: `)

// rejected turns the deployer's reason into an answer, one error for each
// line of it.
func rejected(reason string) *huma.ErrorModel {
	p := problem(http.StatusUnprocessableEntity, "%s", reason)
	for line := range strings.SplitSeq(reason, "\n") {
		where := "body.spec"
		if m := position.FindStringSubmatch(line); m != nil {
			where += " " + m[1]
		}
		at(p, where, line)
	}
	return p
}
