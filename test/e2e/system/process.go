package system

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a process that a test has started.
type Process struct {
	t      testing.TB
	name   string
	cmd    *exec.Cmd
	stderr buffer
	log    string      // a file that has all output; empty if it is kept here
	lines  chan string // of standard output
	done   chan struct{}
}

// buffer is a bytes.Buffer for two goroutines.
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

// Start starts a program. It is killed at the end of the test, at the latest; what it wrote to standard error is logged
// if the test failed.
func Start(t testing.TB, environment []string, program string, arguments ...string) *Process {
	t.Helper()
	return start(t, nil, environment, "", program, arguments...)
}

// start passes files on as descriptors 3, 4 and so on. log is a file for all output, which processes that live on may use
// too; empty for none.
func start(t testing.TB, files []*os.File, environment []string, log, program string, arguments ...string) *Process {
	t.Helper()
	if err := noteSources(); err != nil {
		t.Fatal(err)
	}
	p := &Process{t: t, name: program, cmd: exec.Command(program, arguments...), lines: make(chan string, 64), done: make(chan struct{}), log: log}
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.ExtraFiles = files
	p.cmd.Stderr = &p.stderr
	// Tests that are killed leave nothing behind.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if log != "" {
		p.startLogged()
		return p
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := startFromKeptThread(p.cmd); err != nil {
		t.Fatal(err)
	}
	go func() {
		scanner := bufio.NewScanner(stdout)
		for scanner.Scan() {
			select {
			case p.lines <- scanner.Text():
			default: // nobody asks for so many
			}
		}
		_, _ = io.Copy(io.Discard, stdout)
		close(p.lines)
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.cleanUp)
	return p
}

func (p *Process) startLogged() {
	p.t.Helper()
	file, err := os.OpenFile(p.log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		p.t.Fatal(err)
	}
	defer file.Close()
	p.cmd.Stdout, p.cmd.Stderr = file, file
	close(p.lines)
	if err := startFromKeptThread(p.cmd); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	p.t.Cleanup(p.cleanUp)
}

func (p *Process) cleanUp() {
	p.Signal(syscall.SIGKILL)
	<-p.done
	if p.t.Failed() {
		p.t.Logf("%s (pid %d) wrote:\n%s", p.name, p.Pid(), tail(p.Stderr(), 16<<10))
	}
}

func tail(text string, n int) string {
	if len(text) > n {
		return "..." + text[len(text)-n:]
	}
	return text
}

// Pid is the process's id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Line returns the next line of standard output; false if there is none in time.
func (p *Process) Line(within time.Duration) (string, bool) {
	select {
	case line, ok := <-p.lines:
		return line, ok
	case <-time.After(within):
		return "", false
	}
}

// Stderr is what the process wrote to standard error so far; with a log, all that was written to that.
func (p *Process) Stderr() string {
	if p.log == "" {
		return p.stderr.String()
	}
	text, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Error(err)
	}
	return string(text)
}

// Signal sends a signal, if the process has not ended.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Kill ends the process at once and waits for its end.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Gone reports whether a process that the test has not started itself has ended, be its status fetched or not.
func Gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := bytes.Cut(stat, []byte(") ")) // after the name, which may hold anything
	return err != nil || bytes.HasPrefix(state, []byte("Z"))
}

// Exit waits for the end and returns the exit status; -1 is a signal. The test fails if it takes too long.
func (p *Process) Exit(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		p.t.Fatalf("%s (pid %d) has not ended within %v", p.name, p.Pid(), within)
		return -1
	}
}
