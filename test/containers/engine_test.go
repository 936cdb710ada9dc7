//go:build containers

package containers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// engineWait is how long a Docker engine may take to answer after its start.
const engineWait = time.Minute

// startEngine makes sure that a Docker engine answers: the one that there is, or one of its own, which ends with the test
// and leaves nothing behind.
func startEngine(t *testing.T) {
	t.Helper()
	if exec.Command("docker", "info").Run() == nil {
		return
	}
	directory, err := os.MkdirTemp("", "ringway-docker-")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(directory, "socket"))
	output, err := os.Create(filepath.Join(directory, "log"))
	if err != nil {
		t.Fatal(err)
	}
	engine := exec.Command("dockerd", "--host", os.Getenv("DOCKER_HOST"), "--pidfile", filepath.Join(directory, "pid"),
		"--data-root", filepath.Join(directory, "data"), "--exec-root", filepath.Join(directory, "exec"))
	engine.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	engine.Stdout, engine.Stderr = output, output
	if err := engine.Start(); err != nil {
		t.Fatalf("no Docker engine answers, and none can be started: %v", err)
	}
	t.Cleanup(func() {
		_ = engine.Process.Signal(unix.SIGTERM)
		if err := engine.Wait(); err != nil {
			t.Logf("the Docker engine ended with %v", err)
		}
		if err := errors.Join(output.Close(), os.RemoveAll(directory)); err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(engineWait); exec.Command("docker", "info").Run() != nil; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(output.Name())
			t.Fatalf("the Docker engine does not answer after %v:\n%s", engineWait, text)
		}
	}
}

// run runs a command and returns what it printed on standard output.
func run(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	command := exec.Command(name, arguments...)
	command.Dir = "../.."
	var diagnostics strings.Builder
	command.Stderr = &diagnostics
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", command, err, output, diagnostics.String())
	}
	return strings.TrimSpace(string(output))
}

// project is the services of docker-compose.yml.
type project struct {
	t    *testing.T
	name string
}

func (p project) compose(arguments ...string) string {
	p.t.Helper()
	return run(p.t, "docker-compose", append([]string{"--no-ansi", "-p", p.name}, arguments...)...)
}

// inspect asks the engine about the container of a service.
func (p project) inspect(service, format string) string {
	p.t.Helper()
	return run(p.t, "docker", "inspect", "--format", format, fmt.Sprintf("%s_%s_1", p.name, service))
}
