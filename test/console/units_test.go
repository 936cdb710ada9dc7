package console

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTheArithmetic runs what the console computes under Node.
func TestTheArithmetic(t *testing.T) {
	directory := t.TempDir()
	if err := os.CopyFS(directory, os.DirFS("../../internal/admin/console")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(directory, "package.json"), []byte(`{"type": "module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("node", "--test", "testdata/units.mjs")
	command.Env = append(os.Environ(), "CONSOLE="+directory)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
