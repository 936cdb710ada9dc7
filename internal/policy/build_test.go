package policy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// goTool runs the go command in the source tree and returns what it printed.
func goTool(t *testing.T, cgo string, arguments ...string) string {
	t.Helper()
	command := exec.Command("go", arguments...)
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	var problems strings.Builder
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(arguments, " "), err, problems.String())
	}
	return string(output)
}

// pure are the packages that a worker is made of.
var pure = []string{"./ring", "./bridge", "./envmap", "./cmd/appworker"}

// TestWorkerBuildsWithoutCgo: the worker side builds with CGO_ENABLED=0, and also with cgo allowed nothing outside the
// standard library uses it.
func TestWorkerBuildsWithoutCgo(t *testing.T) {
	output := filepath.Join(t.TempDir(), "appworker")
	goTool(t, "0", append([]string{"vet"}, pure...)...)
	goTool(t, "0", "build", "-o", output, "./cmd/appworker")

	const format = `{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}`
	list := goTool(t, "1", append([]string{"list", "-deps", "-f", format}, pure...)...)
	if users := strings.Fields(list); len(users) > 0 {
		t.Errorf("the worker depends on packages that use cgo: %v", users)
	}
}

// TestWorkerDoesNotLinkTheGateway: the worker library is what users import; nothing of the gateway comes with it.
func TestWorkerDoesNotLinkTheGateway(t *testing.T) {
	for name := range strings.FieldsSeq(goTool(t, "1", append([]string{"list", "-deps"}, pure...)...)) {
		switch name {
		case "ringway/native", "ringway/internal/supervisor", "ringway/internal/admin":
			t.Errorf("the worker depends on %s", name)
		}
	}
}

// TestStaticBuildsAreOfOtherFiles: the key of Go's build cache holds the files of a package and not what pkg-config says, so a
// library that a tag chooses has to come with a file that it chooses. Else make static after make build links what that did.
func TestStaticBuildsAreOfOtherFiles(t *testing.T) {
	list := func(tags string) (files, libraries string) {
		const format = "{{.CgoFiles}}|{{.CgoPkgConfig}}"
		files, libraries, _ = strings.Cut(strings.TrimSpace(goTool(t, "1", "list", "-tags", tags, "-f", format, "./native")), "|")
		return files, libraries
	}
	files, libraries := list("")
	staticFiles, staticLibraries := list("static")
	if libraries != "[libuv]" || staticLibraries != "[libuv-static]" {
		t.Errorf("native links %s, with the tag static %s", libraries, staticLibraries)
	}
	if files == staticFiles {
		t.Errorf("native has the same files with and without the tag static: %s", files)
	}
}
