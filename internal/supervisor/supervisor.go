// Package supervisor keeps a number of worker processes running: it starts them, tags their output into the log, and
// starts one that ended again after a wait that grows (Backoff).
//
// It knows nothing of what the processes do. Children are started from one thread that lives as long as the supervisor,
// because the kernel ties "kill the child when its parent dies" to the parent's thread.
package supervisor

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Config says what to run.
type Config struct {
	// Argv is the executable, as an absolute path, and its arguments.
	Argv []string
	// Env is the whole environment of a worker.
	Env []string
	// Credential, if not nil, is the user that workers run as.
	Credential *syscall.Credential
	// Count is the number of processes, at least one.
	Count int
	// Mark, if not nil, is one more variable for the environment of the process with this serial number.
	Mark func(serial int) string
	// Release, if not nil, is what the processes' output is of: its name in the log may become known late.
	Release func() string
	// Backoff and Breaker are the templates of each slot's own; zero fields of Backoff get defaults.
	Backoff Backoff
	Breaker Breaker
	Log     *slog.Logger
	// Ended, if not nil, is told of every process that is over or could not be started again, by the slot's own goroutine.
	Ended func(End)
}

// Supervisor runs worker processes. All methods are safe for concurrent use.
type Supervisor struct {
	log     *slog.Logger
	ended   func(End)
	backoff Backoff
	breaker Breaker
	spawner *spawner
	hold    chan struct{}
	running sync.WaitGroup
	done    chan struct{}

	mu         sync.Mutex
	slots      []*slot
	lastSerial int
}

// Start starts the processes. If one of these first starts fails, all are ended again and the reason is returned.
func Start(config Config) (*Supervisor, error) {
	cmd := &command{argv: config.Argv, env: config.Env, mark: config.Mark, release: config.Release, credential: config.Credential, log: config.Log}
	return start(config, cmd.start)
}

func start(config Config, startProcess func(slot, serial int) (Process, error)) (*Supervisor, error) {
	if config.Count < 1 || len(config.Argv) == 0 {
		return nil, fmt.Errorf("%d workers with %d words of command, expected at least one of each", config.Count, len(config.Argv))
	}
	s := &Supervisor{
		log:     config.Log,
		ended:   config.Ended,
		backoff: withDefaults(config.Backoff),
		breaker: config.Breaker,
		spawner: newSpawner(startProcess),
		hold:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	var failed error
	for index := range config.Count {
		slot := s.newSlot(index, "")
		if failed = s.startSlot(slot); failed != nil {
			break
		}
		s.mu.Lock()
		s.slots = append(s.slots, slot)
		s.mu.Unlock()
		s.running.Go(func() { s.run(slot, nil) })
	}
	go func() {
		<-s.hold // nothing is added after it
		s.running.Wait()
		s.spawner.close()
		close(s.done)
	}()
	if failed != nil {
		s.Hold()
		s.SignalAll(syscall.SIGKILL)
		<-s.done
		return nil, failed
	}
	return s, nil
}

func withDefaults(b Backoff) Backoff {
	if b.Min == 0 {
		b.Min = 50 * time.Millisecond
	}
	if b.Max == 0 {
		b.Max = 10 * time.Second
	}
	if b.Healthy == 0 {
		b.Healthy = 5 * time.Second
	}
	if b.Jitter == 0 {
		b.Jitter = 0.2
	}
	if b.Random == nil {
		b.Random = rand.Float64
	}
	return b
}

// Hold ends restarting: what runs goes on, what ends stays ended.
func (s *Supervisor) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.held() {
		close(s.hold)
	}
}

func (s *Supervisor) held() bool {
	select {
	case <-s.hold:
		return true
	default:
		return false
	}
}

// Done is closed when, after Hold, no process is left.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

// Status returns what each slot is doing, in their order.
func (s *Supervisor) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Status, 0, len(s.slots))
	for _, slot := range s.slots {
		all = append(all, slot.status)
	}
	slices.SortFunc(all, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Serial, b.Serial))
	})
	return all
}

const anyPid = 0

// SignalAll sends signal to every process that runs.
func (s *Supervisor) SignalAll(signal os.Signal) {
	s.mu.Lock()
	all := slices.Clone(s.slots)
	s.mu.Unlock()
	for _, slot := range all {
		s.signal(slot, anyPid, signal)
	}
}

// Signal sends signal to the process with the given pid, and tells whether it is one of this supervisor's.
func (s *Supervisor) Signal(pid int, signal os.Signal) bool {
	s.mu.Lock()
	all := slices.Clone(s.slots)
	s.mu.Unlock()
	for _, slot := range all {
		if s.signal(slot, pid, signal) {
			return true
		}
	}
	return false
}

// signal sends signal to the slot's process if it runs and pid is its own or anyPid, and tells whether it was meant.
func (s *Supervisor) signal(slot *slot, pid int, signal os.Signal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signalLocked(slot, pid, signal)
}

func (s *Supervisor) signalLocked(slot *slot, pid int, signal os.Signal) bool {
	if slot.process == nil || (pid != anyPid && pid != slot.process.Pid()) {
		return false
	}
	if err := slot.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.log.Warn("worker cannot be signalled", "slot", slot.index, "worker_pid", slot.process.Pid(), "signal", signal, "error", err)
	}
	return true
}
