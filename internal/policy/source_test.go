package policy

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the source tree, seen from this package's directory (where go test runs).
const root = "../.."

// goSizeLimit and cSizeLimit are in bytes; a larger file should be two.
const (
	goSizeLimit = 15 << 10
	cSizeLimit  = 25 << 10
)

// sourceFiles returns the slash-separated paths below root of all files whose name ends in one of suffixes. What git
// ignores (binaries, scratch directories) is left out by name.
func sourceFiles(t *testing.T, suffixes ...string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if entry.IsDir() {
			switch relative {
			case ".git", "bin", "build", "bench/work":
				return fs.SkipDir
			}
			return nil
		}
		for _, suffix := range suffixes {
			if strings.HasSuffix(relative, suffix) {
				found = append(found, relative)
				break
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatalf("no %v files below %s", suffixes, root)
	}
	return found
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// parse returns the syntax tree of a Go file, comments included.
func parse(t *testing.T, name string) (*token.FileSet, *ast.File) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, read(t, name), parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return set, file
}

func imports(file *ast.File, name string) bool {
	for _, spec := range file.Imports {
		if strings.Trim(spec.Path.Value, `"`) == name {
			return true
		}
	}
	return false
}

func TestUnsafeOnlyInUnsafeFiles(t *testing.T) {
	for _, name := range sourceFiles(t, ".go") {
		_, file := parse(t, name)
		base := path.Base(name)
		allowed := path.Dir(name) == "native" ||
			strings.HasSuffix(base, "_unsafe.go") || strings.HasSuffix(base, "_unsafe_test.go")
		if imports(file, "unsafe") && !allowed {
			t.Errorf("%s imports unsafe: only files named *_unsafe.go may", name)
		}
		for _, group := range file.Comments {
			for _, comment := range group.List {
				if strings.HasPrefix(comment.Text, "//go:linkname") {
					t.Errorf("%s uses go:linkname", name)
				}
			}
		}
	}
}

func TestCgoOnlyInNative(t *testing.T) {
	for _, name := range sourceFiles(t, ".go") {
		_, file := parse(t, name)
		if imports(file, "C") && path.Dir(name) != "native" {
			t.Errorf("%s imports C: only native/ may", name)
		}
	}
}

// TestEnvmapDoesNoIO holds package envmap to what its documentation promises: it opens the files that an application
// names, in one place, and does no other I/O.
func TestEnvmapDoesNoIO(t *testing.T) {
	for _, name := range sourceFiles(t, ".go") {
		if path.Dir(name) != "envmap" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		_, file := parse(t, name)
		for _, forbidden := range []string{"os", "net", "syscall", "golang.org/x/sys/unix"} {
			if imports(file, forbidden) && (forbidden != "os" || name != "envmap/openfile.go") {
				t.Errorf("%s imports %s: envmap does no I/O", name, forbidden)
			}
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	documented := map[string]bool{} // by directory; external test packages count with their directory
	for _, name := range sourceFiles(t, ".go") {
		_, file := parse(t, name)
		directory := path.Dir(name)
		documented[directory] = documented[directory] || file.Doc.Text() != ""
	}
	for directory, ok := range documented {
		if !ok {
			t.Errorf("no file in %s has a package comment", directory)
		}
	}
}

func TestFileSizes(t *testing.T) {
	generated := regexp.MustCompile(`(?m)^(//|/\*) Code generated .* DO NOT EDIT`)
	for _, name := range sourceFiles(t, ".go", ".c", ".h") {
		content, limit := read(t, name), cSizeLimit
		if strings.HasSuffix(name, ".go") {
			limit = goSizeLimit
		}
		if len(content) > limit && !generated.Match(content) {
			t.Errorf("%s has %d bytes, more than %d: it should be two files", name, len(content), limit)
		}
	}
}

func TestNothingIsLeftForLater(t *testing.T) {
	marker := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)
	for _, name := range sourceFiles(t, ".go", ".c", ".h", ".sh", ".md", ".mk", ".pml", ".lua", "Makefile", "/run") {
		for number, line := range bytes.Split(read(t, name), []byte("\n")) {
			if found := marker.Find(line); found != nil {
				t.Errorf("%s:%d: %s", name, number+1, found)
			}
		}
	}
}

// TestNoTestIsSkipped: a test that cannot run where CI runs is to fail there, and one that takes long belongs behind a
// build tag or a flag of its own.
func TestNoTestIsSkipped(t *testing.T) {
	for _, name := range sourceFiles(t, "_test.go") {
		set, file := parse(t, name)
		ast.Inspect(file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			selector, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			receiver, ok := selector.X.(*ast.Ident)
			if !ok || len(receiver.Name) > 2 {
				return true
			}
			switch selector.Sel.Name {
			case "Skip", "Skipf", "SkipNow":
				t.Errorf("%s: %s.%s", set.Position(call.Pos()), receiver.Name, selector.Sel.Name)
			}
			return true
		})
	}
}

// TestStressTestsAreRun: `make stress` runs what is named TestStress..., so a test behind the tag by another name never runs.
func TestStressTestsAreRun(t *testing.T) {
	found := 0
	for _, name := range sourceFiles(t, "_test.go") {
		if !strings.HasPrefix(string(read(t, name)), "//go:build stress\n") {
			continue
		}
		_, file := parse(t, name)
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(f.Name.Name, "Test") || f.Name.Name == "TestMain" {
				continue
			}
			found++
			if !strings.HasPrefix(f.Name.Name, "TestStress") {
				t.Errorf("%s: %s is not run by anybody, expected a name that begins with TestStress", name, f.Name.Name)
			}
		}
	}
	if found == 0 {
		t.Error("no test behind the tag stress")
	}
}
