package layout

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// root is the source tree, seen from this package's directory.
const root = "../.."

func compiler() string {
	if cc := os.Getenv("CC"); cc != "" {
		return cc
	}
	return "gcc"
}

// run runs a program in the source tree and returns its standard output.
func run(t *testing.T, stdin string, name string, arguments ...string) string {
	t.Helper()
	command := exec.Command(name, arguments...)
	command.Dir = root
	command.Stdin = strings.NewReader(stdin)
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(arguments, " "), err, output, problems.Bytes())
	}
	return string(output)
}

// compileC builds a C program from its text and sources of native/.
func compileC(t *testing.T, text string, sources ...string) string {
	t.Helper()
	directory := t.TempDir()
	source := filepath.Join(directory, "main.c")
	write(t, source, text)
	return buildC(t, source, sources...)
}

// buildC builds a C program from a file and sources of native/.
func buildC(t *testing.T, source string, sources ...string) string {
	t.Helper()
	// Read here, so that the go command knows that the result depends on them.
	headers, err := filepath.Glob(filepath.Join(root, "native", "*.[ch]"))
	if err != nil || len(headers) == 0 {
		t.Fatalf("no sources in native: %v", err)
	}
	for _, name := range headers {
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(t.TempDir(), "program")
	arguments := []string{
		"-std=c11", "-D_GNU_SOURCE", "-O1", "-g", "-fno-eliminate-unused-debug-types", "-Wall", "-Wextra", "-Werror",
		"-Inative", "-o", program, source,
	}
	for _, name := range sources {
		arguments = append(arguments, filepath.Join("native", name))
	}
	run(t, "", compiler(), arguments...)
	return program
}

// buildGo builds a Go program from its text.
func buildGo(t *testing.T, text string) string {
	t.Helper()
	directory := t.TempDir()
	source, program := filepath.Join(directory, "main.go"), filepath.Join(directory, "program")
	write(t, source, text)
	run(t, "", "go", "build", "-o", program, source)
	return program
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// source returns a file of the tree.
func source(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// matches returns the first group of every match.
func matches(text, expression string) []string {
	var found []string
	for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// plain is a name without what C and Go spell differently: RING_BODY_LENGTH, ring_body_length and BodyLength are one.
func plain(name string) string {
	return strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(name, "_", "")), "ring")
}
