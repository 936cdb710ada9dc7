package system

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// root is the source tree, seen from a package two directories below.
const root = "../.."

// Programs are the paths of the built binaries.
var Programs struct{ Gateway, Worker string }

// Program is a program of a test's own, without cgo.
type Program struct {
	Path    *string // where to put the path of the binary
	Sources string  // package, seen from the source tree's root
}

// Main builds the binaries, runs the tests, and gives the exit status. GATEWAY and APPWORKER in the environment name
// binaries to be used instead, such as ones with sanitizers.
func Main(m *testing.M, more ...Program) int {
	directory, err := os.MkdirTemp("", "ringway-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(directory)
	for _, program := range []struct {
		path                    *string
		variable, name, sources string
		cgo                     string
	}{
		{&Programs.Gateway, "GATEWAY", "gateway", "./cmd/gateway", "1"},
		{&Programs.Worker, "APPWORKER", "appworker", "./cmd/appworker", "0"},
	} {
		if *program.path = os.Getenv(program.variable); *program.path != "" {
			continue
		}
		*program.path = filepath.Join(directory, program.name)
		if err := build(*program.path, program.sources, program.cgo); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	for i, program := range more {
		*program.Path = filepath.Join(directory, fmt.Sprintf("program%d", i))
		if err := build(*program.Path, program.Sources, "0"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

func build(program, sources, cgo string) error {
	command := exec.Command("go", "build", "-o", program, sources)
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if os.Getenv("CGO_CFLAGS") == "" {
		command.Env = append(command.Env, "CGO_CFLAGS=-O2 -g")
	}
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", sources, err, output)
	}
	return nil
}

// noteSources looks at everything that the binaries are made of while a test runs, so that the go command knows that
// results depend on it.
var noteSources = sync.OnceValue(func() error {
	_, _ = os.Getenv("GATEWAY"), os.Getenv("APPWORKER")
	for _, directory := range []string{"native", "ring", "bridge", "envmap", "cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, directory), func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && strings.ContainsAny(filepath.Ext(name), "goch") {
				_, err = os.Stat(name)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
})
