package mediatype

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mime.types")
	text := "# a comment\ntext/x-own\town OWN2 # more\nApplication/X-Upper up\n" +
		"text/css mycss\nimage/first twice\nimage/second twice\nno-type own3\ntext/plain; charset=x own4\nimage/alone\n" +
		"video/mp2t ts\n\n" + strings.Repeat("x", 129) + "/y own5\nimage/long " + strings.Repeat("e", 33) + "\n" +
		"application/x-system-js js\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Table(path)
	if err != nil {
		t.Fatal(err)
	}
	for extension, want := range map[string]string{
		"own": "text/x-own; charset=utf-8", "own2": "text/x-own; charset=utf-8", "up": "application/x-upper",
		"mycss": "text/css; charset=utf-8", "twice": "image/first", "ts": "video/mp2t",
		"own3": "", "own4": "", "own5": "", strings.Repeat("e", 33): "",
		"js": "application/x-system-js", "html": "text/html; charset=utf-8", "png": "image/png", "OWN2": "",
	} {
		if got[extension] != want {
			t.Errorf(".%s is %q, want %q", extension, got[extension], want)
		}
	}
}

func TestTableWithoutAFile(t *testing.T) {
	got, err := Table(filepath.Join(t.TempDir(), "none"))
	if err != nil || len(got) != len(builtIn) || got["js"] != "text/javascript; charset=utf-8" || got["wasm"] != "application/wasm" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := Table(t.TempDir()); err == nil {
		t.Error("a directory was read as a table")
	}
}

// TestSystemTable: what this system has fits the bounds that the gateway sets.
func TestSystemTable(t *testing.T) {
	got, err := Table(SystemFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, extension := range []string{"html", "css", "js", "png", "svg", "woff2", "json"} {
		if got[extension] == "" {
			t.Errorf(".%s has no type", extension)
		}
	}
	for extension, kind := range got {
		if strings.ContainsAny(extension, " \t\n") || strings.ContainsAny(kind, "\r\n") || len(kind) > maxType+16 {
			t.Errorf(".%q is %q", extension, kind)
		}
	}
}
