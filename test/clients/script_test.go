package clients

import (
	_ "embed"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

var (
	//go:embed testdata/client.mjs
	nodeScript string
	//go:embed testdata/client.py
	pythonScript string
)

// script sends requests by a script in another language: it reads the session as JSON and writes the answers as JSON.
func script(interpreter, source string, arguments ...string) func(*testing.T, session) []answer {
	return func(t *testing.T, s session) []answer {
		t.Helper()
		base, err := url.Parse(s.base)
		if err != nil {
			t.Fatal(err)
		}
		input, err := json.Marshal(map[string]any{
			"host": base.Hostname(), "port": base.Port(), "version10": s.version10, "content": bodyFile(t, most), "short": short, "requests": s.requests,
		})
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "client.mjs")
		if err := os.WriteFile(name, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		output := runProgram(t, string(input), command(t, interpreter), append([]string{name}, arguments...)...)
		var answers []answer
		if err := json.Unmarshal(output, &answers); err != nil {
			t.Fatalf("answers of %s: %v\n%.1000s", interpreter, err, output)
		}
		return answers
	}
}
