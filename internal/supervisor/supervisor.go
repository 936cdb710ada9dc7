// Package supervisor keeps a number of worker processes running: it starts them, tags their output into the log, and
// starts one that ended again after a wait that grows (Backoff).
//
// It knows nothing of what the processes do. Children are started from one thread that lives as long as the supervisor,
// because the kernel ties "kill the child when its parent dies" to the parent's thread.
package supervisor

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
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
	// Backoff is the template of each slot's backoff; zero fields get defaults.
	Backoff Backoff
	Log     *slog.Logger
	// Ended, if not nil, is told of every process that is over, by the slot's own goroutine.
	Ended func(End)
}

// End is how a process ended: its exit status or signal in words, and how long it lived.
type End struct {
	Slot, Pid int
	Text      string
	Lived     time.Duration
}

// Status is what one slot is doing.
type Status struct {
	Slot     int       `json:"slot"`
	Pid      int       `json:"pid"` // 0 while none runs
	Since    time.Time `json:"since"`
	Restarts uint64    `json:"restarts"`
	LastExit string    `json:"last_exit,omitempty"`
}

// Supervisor runs worker processes. All methods are safe for concurrent use.
type Supervisor struct {
	log     *slog.Logger
	ended   func(End)
	spawner *spawner
	slots   []*slot
	hold    chan struct{}
	holding sync.Once
	running sync.WaitGroup
	done    chan struct{}
}

// slot is one process that is kept running.
type slot struct {
	index   int
	backoff Backoff

	mu      sync.Mutex
	process Process // nil while none runs
	status  Status
}

// Start starts the processes. If one of these first starts fails, all are ended again and the reason is returned.
func Start(config Config) (*Supervisor, error) {
	cmd := &command{argv: config.Argv, env: config.Env, credential: config.Credential, log: config.Log}
	return start(config, cmd.start)
}

func start(config Config, startProcess func(slot int) (Process, error)) (*Supervisor, error) {
	if config.Count < 1 || len(config.Argv) == 0 {
		return nil, fmt.Errorf("%d workers with %d words of command, expected at least one of each", config.Count, len(config.Argv))
	}
	s := &Supervisor{
		log:     config.Log,
		ended:   config.Ended,
		spawner: newSpawner(startProcess),
		hold:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	for index := range config.Count {
		s.slots = append(s.slots, &slot{index: index, backoff: withDefaults(config.Backoff), status: Status{Slot: index}})
	}
	var failed error
	for _, slot := range s.slots {
		if failed = s.startSlot(slot); failed != nil {
			break
		}
	}
	for _, slot := range s.slots {
		if slot.process != nil {
			s.running.Go(func() { s.run(slot) })
		}
	}
	go func() {
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
func (s *Supervisor) Hold() { s.holding.Do(func() { close(s.hold) }) }

// Done is closed when, after Hold, no process is left.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

// Status returns what each slot is doing.
func (s *Supervisor) Status() []Status {
	all := make([]Status, 0, len(s.slots))
	for _, slot := range s.slots {
		slot.mu.Lock()
		all = append(all, slot.status)
		slot.mu.Unlock()
	}
	return all
}

const anyPid = 0

// SignalAll sends signal to every process that runs.
func (s *Supervisor) SignalAll(signal os.Signal) {
	for _, slot := range s.slots {
		s.signal(slot, anyPid, signal)
	}
}

// Signal sends signal to the process with the given pid, and tells whether it is one of this supervisor's.
func (s *Supervisor) Signal(pid int, signal os.Signal) bool {
	for _, slot := range s.slots {
		if s.signal(slot, pid, signal) {
			return true
		}
	}
	return false
}

// signal sends signal to the slot's process if it runs and pid is its own or anyPid, and tells whether it was meant.
func (s *Supervisor) signal(slot *slot, pid int, signal os.Signal) bool {
	slot.mu.Lock()
	defer slot.mu.Unlock()
	if slot.process == nil || (pid != anyPid && pid != slot.process.Pid()) {
		return false
	}
	if err := slot.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.log.Warn("worker cannot be signalled", "slot", slot.index, "worker_pid", slot.process.Pid(), "signal", signal, "error", err)
	}
	return true
}

// run waits for the slot's process and starts it again until Hold.
func (s *Supervisor) run(slot *slot) {
	for {
		if slot.process != nil {
			s.wait(slot)
		}
		wait := slot.backoff.Next(time.Since(slot.status.Since))
		select {
		case <-s.hold:
			return
		default:
		}
		s.log.Info("worker restarts", "slot", slot.index, "wait", wait)
		timer := time.NewTimer(wait)
		select {
		case <-s.hold:
			timer.Stop()
			return
		case <-timer.C:
		}
		slot.mu.Lock()
		slot.status.Restarts++
		slot.mu.Unlock()
		if err := s.startSlot(slot); err != nil {
			s.log.Error("worker cannot be restarted", "slot", slot.index, "error", err)
		}
		select {
		case <-s.hold:
			// It was started while Hold was called, and so has missed what the others were told.
			s.signal(slot, anyPid, syscall.SIGTERM)
		default:
		}
	}
}

// wait returns once the slot's process has ended.
func (s *Supervisor) wait(slot *slot) {
	exit := slot.process.Wait()
	slot.mu.Lock()
	pid, lived := slot.status.Pid, time.Since(slot.status.Since)
	slot.process = nil
	slot.status.Pid = 0
	slot.status.LastExit = exit
	slot.mu.Unlock()
	s.log.Info("worker ended", "slot", slot.index, "worker_pid", pid, "exit", exit, "lived", lived.Round(time.Millisecond))
	if s.ended != nil {
		s.ended(End{Slot: slot.index, Pid: pid, Text: exit, Lived: lived})
	}
}

// startSlot starts the slot's process. Only the slot's own goroutine, or Start before it exists, calls it.
func (s *Supervisor) startSlot(slot *slot) error {
	process, err := s.spawner.start(slot.index)
	slot.mu.Lock()
	defer slot.mu.Unlock()
	slot.status.Since = time.Now()
	if err != nil {
		slot.status.LastExit = err.Error()
		return err
	}
	slot.process = process
	slot.status.Pid = process.Pid()
	s.log.Info("worker started", "slot", slot.index, "worker_pid", process.Pid())
	return nil
}

// spawner starts processes from one OS thread that lives until close.
type spawner struct {
	requests chan spawnRequest
}

type spawnRequest struct {
	slot  int
	reply chan<- spawnReply
}

type spawnReply struct {
	process Process
	err     error
}

func newSpawner(startProcess func(slot int) (Process, error)) *spawner {
	s := &spawner{requests: make(chan spawnRequest)}
	go func() {
		// Not unlocked: the thread ends with the goroutine, after the last child did.
		runtime.LockOSThread()
		for request := range s.requests {
			process, err := startProcess(request.slot)
			request.reply <- spawnReply{process, err}
		}
	}()
	return s
}

func (s *spawner) start(slot int) (Process, error) {
	reply := make(chan spawnReply, 1)
	s.requests <- spawnRequest{slot, reply}
	answer := <-reply
	return answer.process, answer.err
}

func (s *spawner) close() { close(s.requests) }
