package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Paths of the binaries that TestMain builds.
var gatewayBinary, workerBinary string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	directory, err := os.MkdirTemp("", "gateway-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(directory) }()
	gatewayBinary, workerBinary = filepath.Join(directory, "gateway"), filepath.Join(directory, "appworker")
	for path, from := range map[string]string{gatewayBinary: ".", workerBinary: "../appworker"} {
		if output, err := exec.Command("go", "build", "-o", path, from).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", from, err, output)
			return 1
		}
	}
	return m.Run()
}

// process is a gateway that runs.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	admin  string
	socket string
	stderr *buffer
	ended  chan struct{}
}

// buffer collects what a process writes.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// launch starts a gateway on free ports, with a native path and the flags given, and waits until it listens.
func launch(t *testing.T, flags ...string) *process {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "control.sock")
	p := start(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--socket", socket, "--native-path", "/ping=pong"}, flags...)...)
	p.socket = socket
	return p
}

// start starts a gateway and waits until it listens, also for the admin server.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, stderr: &buffer{}, ended: make(chan struct{})}
	p.cmd = exec.Command(gatewayBinary, args...)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("gateway's log:\n%s", p.stderr)
		}
	})
	lines := bufio.NewScanner(stdout)
	for p.socketLine(lines) {
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdout)
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	if p.url == "" || p.admin == "" {
		t.Fatalf("the gateway does not listen:\n%s", p.stderr)
	}
	return p
}

// socketLine reads one line of standard output, and returns false after the last that is expected.
func (p *process) socketLine(lines *bufio.Scanner) bool {
	if !lines.Scan() {
		return false
	}
	if url, found := strings.CutPrefix(lines.Text(), "listening on "); found {
		p.url = url
	}
	if url, found := strings.CutPrefix(lines.Text(), "admin on "); found {
		p.admin = url
	}
	return !strings.HasPrefix(lines.Text(), "control socket on ")
}

// expectEnd waits for the end of the process and checks its exit code.
func (p *process) expectEnd(code int, limit time.Duration) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(limit):
		p.t.Fatalf("the gateway still runs after %v", limit)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d (%v), want %d", got, p.cmd.ProcessState, code)
	}
}

func (p *process) signal(signal os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// client makes a connection of its own for each request.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}

func get(url string) (int, string, error) {
	response, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func expectBody(t *testing.T, url, want string) {
	t.Helper()
	status, body, err := get(url)
	if err != nil || status != 200 || body != want {
		t.Fatalf("GET %s: %d %q %v, want %q", url, status, body, err, want)
	}
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if check() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
