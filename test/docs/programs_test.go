package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// packages are those that Go blocks without imports may use.
var packages = map[string]string{
	"context": "context", "sha256": "crypto/sha256", "hex": "encoding/hex", "fmt": "fmt", "io": "io", "log": "log", "http": "net/http",
	"signal": "os/signal", "syscall": "syscall", "time": "time", "websocket": "github.com/coder/websocket",
	"bridge": "ringway/bridge", "envmap": "ringway/envmap", "envhttp": "ringway/envmap/envhttp",
}

// firstWorker is the program of the guide.
func firstWorker(t *testing.T) string {
	t.Helper()
	for _, p := range pages(t) {
		for _, b := range p.blocks(t) {
			if p.name == "docs/worker-guide.md" && strings.HasPrefix(b.text, "package main") {
				return b.text
			}
		}
	}
	t.Fatal("docs/worker-guide.md has no program")
	return ""
}

// TestFirstWorkerIsTheOneThatRuns: the other pages' commands are run with it.
func TestFirstWorkerIsTheOneThatRuns(t *testing.T) {
	text, err := os.ReadFile("myservice/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if _, program, _ := strings.Cut(string(text), "\n"); program != firstWorker(t) {
		t.Error("test/docs/myservice/main.go is not the program of docs/worker-guide.md")
	}
}

// TestGoBlocksCompile: those of a page that are no programs are files of one package.
func TestGoBlocksCompile(t *testing.T) {
	count := 0
	for _, p := range pages(t) {
		var parts []string
		for _, b := range p.blocks(t) {
			if b.language != "go" {
				continue
			}
			count++
			text := b.text
			if !strings.HasPrefix(text, "package ") {
				text = withImports(text)
			}
			name := filepath.Join(t.TempDir(), fmt.Sprintf("%s-%d.go", filepath.Base(p.name), b.line))
			if strings.Contains(text, "func main()") {
				write(t, name, text)
				vet(t, name)
				continue
			}
			parts = append(parts, text)
		}
		if len(parts) == 0 {
			continue
		}
		names := []string{filepath.Join(t.TempDir(), "main.go")}
		write(t, names[0], "package main\n\nfunc main() {}\n")
		for i, text := range parts {
			names = append(names, filepath.Join(filepath.Dir(names[0]), fmt.Sprintf("part%d.go", i)))
			write(t, names[i+1], text)
		}
		vet(t, names...)
	}
	if count < 5 {
		t.Errorf("%d Go blocks", count)
	}
}

func withImports(text string) string {
	imports := ""
	for name, path := range packages {
		if strings.Contains(text, name+".") {
			imports += fmt.Sprintf("import %q\n", path)
		}
	}
	return "package main\n" + imports + text
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func vet(t *testing.T, files ...string) {
	t.Helper()
	command := exec.Command("go", append([]string{"vet"}, files...)...)
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
