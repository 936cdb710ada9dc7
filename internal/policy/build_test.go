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
