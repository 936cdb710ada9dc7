package supervisor

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// logBuffer collects log lines for a test.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func shell(t *testing.T, script string) (Config, *logBuffer) {
	t.Helper()
	buffer := &logBuffer{}
	return Config{
		Argv: []string{"/bin/sh", "-c", script}, Env: os.Environ(), Count: 1,
		Backoff: Backoff{Min: 10 * time.Millisecond, Max: 20 * time.Millisecond},
		Log:     slog.New(slog.NewTextHandler(buffer, nil)),
	}, buffer
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

func end(t *testing.T, s *Supervisor) {
	t.Helper()
	s.Hold()
	s.SignalAll(syscall.SIGKILL)
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("processes are left after SIGKILL")
	}
}

func TestOutputExitStatusAndSignalAreLogged(t *testing.T) {
	config, log := shell(t, `echo to-stdout; echo to-stderr >&2; echo "$MARK"; exit 7`)
	config.Env = append(config.Env, "MARK=from-environment")
	s, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a restart", func() bool { return s.Status()[0].Restarts > 0 })
	end(t, s)
	for _, want := range []string{
		"stream=stdout line=to-stdout", "stream=stderr line=to-stderr", "line=from-environment", `exit="exit status 7"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log misses %q:\n%s", want, log)
		}
	}
}

func TestAKilledWorkerIsReportedAndRestarted(t *testing.T) {
	config, log := shell(t, `sleep 100`)
	s, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	defer end(t, s)
	first := s.Status()[0].Pid
	if !s.Signal(first, syscall.SIGKILL) {
		t.Fatal("the worker is unknown")
	}
	eventually(t, "another process", func() bool { pid := s.Status()[0].Pid; return pid != 0 && pid != first })
	if exit := s.Status()[0].LastExit; exit != "signal: killed" {
		t.Errorf("last exit %q", exit)
	}
	if !strings.Contains(log.String(), `exit="signal: killed"`) {
		t.Errorf("log:\n%s", log)
	}
}

func TestAGrandchildThatHoldsTheOutputDoesNotHoldTheSupervisor(t *testing.T) {
	config, _ := shell(t, `sleep 5 & exit 0`)
	s, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	s.Hold()
	select {
	case <-s.Done():
	case <-time.After(4 * time.Second):
		t.Fatal("the supervisor waits for the grandchild")
	}
}

func TestExecutablesThatCannotStart(t *testing.T) {
	directory := t.TempDir()
	garbage := filepath.Join(directory, "garbage")
	if err := os.WriteFile(garbage, []byte("\x7fELFnot really"), 0o755); err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(directory, "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		filepath.Join(directory, "none"): fs.ErrNotExist, garbage: syscall.ENOEXEC, plain: fs.ErrPermission, directory: fs.ErrPermission,
	} {
		_, err := Start(Config{Argv: []string{path}, Count: 1, Log: slog.New(slog.DiscardHandler)})
		if !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %v", path, err, want)
		}
	}
}

// TestMain lets the test binary play a gateway that is killed: it starts a worker, tells its pid and waits.
func TestMain(m *testing.M) {
	if os.Getenv("SUPERVISOR_TEST_PARENT") != "" {
		s, err := Start(Config{
			Argv: []string{"/bin/sh", "-c", "sleep 100"}, Env: os.Environ(), Count: 1, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(strconv.Itoa(s.Status()[0].Pid) + "\n")
		select {}
	}
	os.Exit(m.Run())
}

func TestWorkersDieWithAGatewayThatIsKilled(t *testing.T) {
	parent := exec.Command("/proc/self/exe")
	parent.Env = append(os.Environ(), "SUPERVISOR_TEST_PARENT=1")
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 64)
	length, err := output.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line[:length])))
	if err != nil {
		t.Fatal(err)
	}
	// Time for the parent's threads to come and go: the worker must not die with one of them.
	time.Sleep(300 * time.Millisecond)
	if !running(pid) {
		t.Fatal("the worker does not run")
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	eventually(t, "the worker's end", func() bool { return !running(pid) })
}

// running tells whether the process exists and is no zombie: in a container nobody may reap it.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
