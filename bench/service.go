package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// service is a way to keep one Go service reachable while it is replaced. Its orders return when what they brought about is over:
// the new one serves, and what was told to end has ended.
type service interface {
	start() error
	swap() error    // another build of the Go service
	kill() error    // kill -9 of the process that runs it, and what brings it back
	upgrade() error // another build of what owns the listening socket
	place() *site
}

// site is what all services have.
type site struct {
	b       *bench
	name    string
	address string
	command string   // how it was started, for the results
	logs    []string // in which its processes tell when they were ready
	started int
}

func (s *site) place() *site { return s }

// run starts a process of the service.
func (s *site) run(arguments ...string) (*process, error) {
	s.started++
	p, err := s.b.start(fmt.Sprintf("%s-%d", s.name, s.started), nil, arguments...)
	if err != nil {
		return nil, err
	}
	s.logs = append(s.logs, p.log)
	s.tell(strings.Join(arguments, " "))
	return p, nil
}

// tell adds a step to the description of how the service was started. Restarts are not in it.
func (s *site) tell(step string) {
	if s.command != "" {
		s.command += " ; "
	}
	s.command += strings.NewReplacer(s.b.work+"/", "", s.b.root+"/", "").Replace(step)
}

// adopt makes a process of one that a process of this program has started, so that it is ended with the others.
func (b *bench) adopt(name string, pid int) (*process, error) {
	descriptor, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_open of %s, pid %d: %w", name, pid, err)
	}
	handle, err := os.FindProcess(pid)
	if err != nil {
		_ = unix.Close(descriptor)
		return nil, err
	}
	p := &process{name: name, handle: handle, ended: make(chan struct{}), log: filepath.Join(b.work, name+".log")}
	go func() {
		defer close(p.ended)
		defer unix.Close(descriptor)
		for {
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(descriptor), Events: unix.POLLIN}}, -1)
			if !errors.Is(err, unix.EINTR) {
				break
			}
		}
		// It may be this program's to reap, if the process that started it has ended.
		_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
	}()
	b.processes = append(b.processes, p)
	return p, nil
}

// becomeReaper makes this program the parent of processes that servers leave behind when they have replaced themselves.
func becomeReaper() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("prctl PR_SET_CHILD_SUBREAPER: %w", err)
	}
	return nil
}

// orderLimit is how long an order may take.
const orderLimit = 30 * time.Second

// end waits for the end of a process that was told to.
func (p *process) end() error {
	select {
	case <-p.ended:
		return nil
	case <-time.After(orderLimit):
		return fmt.Errorf("%s, pid %d, has not ended after %v", p.name, p.pid(), orderLimit)
	}
}

// until looks every millisecond whether something has come about.
func until(what string, done func() bool) error {
	limited, cancel := context.WithTimeout(context.Background(), orderLimit)
	defer cancel()
	for !done() {
		select {
		case <-limited.Done():
			return fmt.Errorf("%s: not after %v", what, orderLimit)
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// pidIn returns the pid that a file holds, 0 if there is none.
func pidIn(file string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

func (p *process) signal(s syscall.Signal) error {
	if err := p.handle.Signal(s); err != nil {
		return fmt.Errorf("signal %d to %s, pid %d: %w", int(s), p.name, p.pid(), err)
	}
	return nil
}
