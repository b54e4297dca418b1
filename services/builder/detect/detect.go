// SPDX-License-Identifier: Apache-2.0

// Package detect finds out how an app is built by looking at its files.
package detect

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Strategy is how the image comes about.
type Strategy string

// The strategies.
const (
	Dockerfile Strategy = "dockerfile" // the repository's own Dockerfile
	Go         Strategy = "go"         // a Go module without one
)

// specNames are where an OAM Application is looked for, first come first.
var specNames = [...]string{"hydra.yaml", "app.yaml", ".hydra/app.yaml"}

const maxSpec = 1 << 20 // bytes

// safeName is what may be written into a generated Dockerfile as it is.
var safeName = regexp.MustCompile(`^[A-Za-z0-9._+@/-]+$`)

// ErrUnknown says that nothing in the repository tells how to build it, or
// that it does not tell enough.
var ErrUnknown = errors.New("cannot tell how to build this")

// Plan is what was found. Paths are relative to the repository, with slashes;
// "." is the repository itself.
type Plan struct {
	Strategy   Strategy
	Context    string    // directory that the build sees
	Dockerfile string    // path, of strategy Dockerfile
	TestStage  bool      // the Dockerfile has a stage named test
	BuiltIn    bool      // BuildKit's own frontend understands the Dockerfile
	Module     *GoModule // of strategy Go, and where the app lies in a Go module
	Spec       string    // OAM Application, YAML; empty without one
	SpecPath   string
}

// GoModule is the Go module in which the app lies.
type GoModule struct {
	Dir      string // of go.mod
	Root     string // directory that holds everything the module needs: Dir, or the repository
	Package  string // main package relative to Dir, such as "./cmd/shop"; only of strategy Go
	Requires bool   // it needs other modules, and has no vendor directory
	Sum      bool   // it has a go.sum
	Tests    bool   // it has test files
}

// Detect looks at the app below root/at. name is the app's, to choose between
// several main packages.
func Detect(root, at, name string) (Plan, error) {
	at, err := clean(root, at)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Context: at}
	if p.Spec, p.SpecPath, err = findSpec(root, at); err != nil {
		return Plan{}, err
	}
	if p.Module, err = findModule(root, at); err != nil {
		return Plan{}, err
	}
	switch dockerfile := path.Join(at, "Dockerfile"); {
	case isFile(root, dockerfile):
		p.Strategy, p.Dockerfile = Dockerfile, dockerfile
		stages, builtIn, err := readDockerfile(filepath.Join(root, dockerfile))
		if err != nil {
			return Plan{}, fmt.Errorf("%s: %w", dockerfile, err)
		}
		p.TestStage, p.BuiltIn = slices.Contains(stages, "test"), builtIn
	case p.Module != nil:
		p.Strategy, p.Context = Go, p.Module.Root
		if p.Module.Package, err = findMain(root, at, p.Module.Dir, name); err != nil {
			return Plan{}, err
		}
		if !safeName.MatchString(p.Module.Package) {
			return Plan{}, fmt.Errorf("%w: main package %q: want letters, digits and ._+@- only", ErrUnknown, p.Module.Package)
		}
	default:
		return Plan{}, fmt.Errorf("%w: no Dockerfile and no go.mod in %s; add one of them, or set the app's path to the directory that has it (found there: %s)",
			ErrUnknown, where(at), listing(filepath.Join(root, at)))
	}
	return p, nil
}

func clean(root, at string) (string, error) {
	at = path.Clean("./" + strings.TrimPrefix(filepath.ToSlash(at), "/"))
	if !filepath.IsLocal(filepath.FromSlash(at)) {
		return "", fmt.Errorf("%w: the app's path %q leaves the repository", ErrUnknown, at)
	}
	info, err := os.Stat(filepath.Join(root, at))
	if err != nil || !info.IsDir() {
		return "", fmt.Errorf("%w: the repository has no directory %q, which is the app's path", ErrUnknown, at)
	}
	return at, nil
}

func isFile(root, name string) bool {
	info, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
	return err == nil && info.Mode().IsRegular()
}

func where(at string) string {
	if at == "." {
		return "the top directory of the repository"
	}
	return at
}

func listing(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return "nothing"
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

func findSpec(root, at string) (spec, name string, err error) {
	for _, candidate := range specNames {
		name := path.Join(at, candidate)
		if !isFile(root, name) {
			continue
		}
		info, err := os.Stat(filepath.Join(root, name))
		if err == nil && info.Size() > maxSpec {
			return "", "", fmt.Errorf("%w: %s is larger than %d KiB", ErrUnknown, name, maxSpec>>10)
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return "", "", fmt.Errorf("read %s: %w", name, err)
		}
		return string(data), name, nil
	}
	return "", "", nil
}

// findModule looks for go.mod from the app's directory upwards, as Go does.
func findModule(root, at string) (*GoModule, error) {
	dir := at
	for !isFile(root, path.Join(dir, "go.mod")) {
		if dir == "." {
			return nil, nil
		}
		dir = path.Dir(dir)
	}
	if !safeName.MatchString(dir) {
		return nil, fmt.Errorf("%w: directory %q of go.mod: want letters, digits and ._+@- only", ErrUnknown, dir)
	}
	name := path.Join(dir, "go.mod")
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	mod, err := modfile.ParseLax(name, data, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	m := &GoModule{Dir: dir, Root: dir, Requires: len(mod.Require) > 0 && !isFile(root, path.Join(dir, "vendor/modules.txt")), Sum: isFile(root, path.Join(dir, "go.sum"))}
	// ParseLax leaves replacements out; they decide how much the build must see.
	if full, err := modfile.Parse(name, data, nil); err == nil {
		for _, r := range full.Replace {
			if modfile.IsDirectoryPath(r.New.Path) && !filepath.IsLocal(filepath.FromSlash(r.New.Path)) {
				m.Root = "."
			}
		}
	}
	if isFile(root, "go.work") {
		m.Root = "."
	}
	m.Tests, err = hasTests(filepath.Join(root, dir))
	return m, err
}

func hasTests(dir string) (found bool, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != dir && ignored(d.Name()):
			return filepath.SkipDir
		case d.IsDir() && name != dir && isFile(name, "go.mod"): // another module
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, "_test.go"):
			found = true
			return filepath.SkipAll
		}
		return nil
	})
	return found, err
}

// ignored are directories that Go's ./... leaves out.
func ignored(name string) bool {
	return name == "vendor" || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

// findMain chooses the package to build: the app's own directory, else the
// one below cmd that is called like the app, else the only one there is.
func findMain(root, at, module, name string) (string, error) {
	if isMain(filepath.Join(root, at)) {
		return relative(module, at), nil
	}
	var found []string
	top := filepath.Join(root, at)
	err := filepath.WalkDir(top, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || dir == top {
			return err
		}
		if ignored(d.Name()) || isFile(dir, "go.mod") {
			return filepath.SkipDir
		}
		if isMain(dir) {
			rel, err := filepath.Rel(root, dir)
			if err != nil {
				return err
			}
			found = append(found, relative(module, filepath.ToSlash(rel)))
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("look for a main package: %w", err)
	}
	named := slices.IndexFunc(found, func(p string) bool { return path.Base(p) == name })
	switch {
	case named >= 0:
		return found[named], nil
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return "", fmt.Errorf("%w: there is a go.mod but no main package in %s or below; add one, or a Dockerfile", ErrUnknown, where(at))
	}
	return "", fmt.Errorf("%w: %d main packages and none is called %s: %s; set the app's path to one of them",
		ErrUnknown, len(found), name, strings.Join(found, ", "))
}

func relative(module, dir string) string {
	rel, err := filepath.Rel(module, dir)
	if err != nil || rel == "." {
		return "."
	}
	return "./" + filepath.ToSlash(rel)
}

// isMain asks as a build for Linux without cgo does, which is what the image
// gets.
func isMain(dir string) bool {
	ctx := build.Default
	ctx.GOOS, ctx.CgoEnabled = "linux", false
	pkg, err := ctx.ImportDir(dir, 0)
	return pkg != nil && pkg.Name == "main" && (err == nil || len(pkg.GoFiles) > 0)
}
