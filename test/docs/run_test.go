package docs

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ringway/test/e2e/system"
)

// TestRun: what `make run` starts, once it is built, answers and ends when it is told to.
func TestRun(t *testing.T) {
	directory := t.TempDir()
	for _, name := range []string{"tools", "bin"} {
		if err := os.Mkdir(filepath.Join(directory, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, script := range []string{"tools/run.sh", "tools/common.sh"} {
		text, err := os.ReadFile(filepath.Join(root, script))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(directory, script), text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, program := range map[string]string{"gateway": system.Programs.Gateway, "appworker": system.Programs.Worker} {
		if err := os.Symlink(program, filepath.Join(directory, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	p := system.Start(t, []string{"TMPDIR=" + directory}, "/bin/bash", "-c",
		`cd "$0" && . tools/common.sh && LISTEN=127.0.0.1:$(free_port) ADMIN=127.0.0.1:$(free_port) exec tools/run.sh`, directory)
	for {
		line, ok := p.Line(system.Patience)
		if !ok {
			t.Fatalf("no line to try: %s", p.Stderr())
		}
		if strings.Contains(line, "curl ") {
			break
		}
	}
	p.Signal(syscall.SIGTERM)
	if code := p.Exit(system.Patience); code != 143 {
		t.Errorf("exit code %d, want 143", code)
	}
	left, err := filepath.Glob(filepath.Join(directory, "ringway.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
