package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Successor is the process of the next gateway.
type Successor struct {
	Pid  int
	Line *Line

	process *os.Process
	ended   chan struct{}
	exit    string // before ended is closed
}

// Start starts a program with the arguments of this process and passes on what describe tells of. give makes a
// descriptor one of the new process and returns its number there.
func Start(program string, describe func(give func(fd int) int) (State, error)) (*Successor, error) {
	line, end, err := newLine()
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(end) }()
	files := []uintptr{0, 1, 2}
	give := func(fd int) int {
		files = append(files, uintptr(fd))
		return len(files) - 1
	}
	state, err := describe(give)
	if err != nil {
		line.Close()
		return nil, err
	}
	state.Pid, state.Parent, state.Line = os.Getpid(), os.Getpid(), give(end)
	if managed() {
		state.Parent = os.Getppid()
	}
	process, pidfd, err := run(program, state, files)
	if err != nil {
		line.Close()
		return nil, fmt.Errorf("gateway %q cannot start: %w, expected an executable that this host can run", program, err)
	}
	s := &Successor{Pid: process.Pid, Line: line, process: process, ended: make(chan struct{})}
	go func() {
		if pidfd >= 0 {
			waitFor(pidfd, nil)
			s.exit = "the service manager has its exit status"
		} else if state, err := process.Wait(); err != nil {
			s.exit = err.Error()
		} else {
			s.exit = state.String()
		}
		close(s.ended)
	}()
	return s, nil
}

// run does not use os/exec: asking an os.File for its descriptor would make the sockets block, for both processes. The
// descriptor of the process is there if it is no child but the service manager's, else negative.
func run(program string, state State, files []uintptr) (process *os.Process, pidfd int, err error) {
	text, err := json.Marshal(state)
	if err != nil {
		return nil, -1, err
	}
	var environment []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, Variable+"=") {
			environment = append(environment, variable)
		}
	}
	pidfd = -1
	attributes := syscall.ProcAttr{Env: append(environment, Variable+"="+string(text)), Files: files}
	if managed() {
		attributes.Sys = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_PARENT, PidFD: &pidfd}
	}
	pid, err := syscall.ForkExec(program, append([]string{program}, os.Args[1:]...), &attributes)
	if err != nil {
		return nil, -1, err
	}
	process, err = os.FindProcess(pid)
	return process, pidfd, err
}

// Ended is closed when the process has ended; Exit then says how.
func (s *Successor) Ended() <-chan struct{} { return s.ended }

// Exit is the exit status or the signal. Preconditions: Ended is closed.
func (s *Successor) Exit() string { return s.exit }

// End makes the process end: by TERM, and after the grace time by KILL. It waits for the end.
func (s *Successor) End(grace time.Duration) {
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGTERM, grace}, {syscall.SIGKILL, time.Minute}} {
		if err := s.process.Signal(step.signal); errors.Is(err, os.ErrProcessDone) {
			break
		}
		timer := time.NewTimer(step.wait)
		select {
		case <-s.ended:
		case <-timer.C:
		}
		timer.Stop()
	}
	<-s.ended
}
