package supervisor

import (
	"slices"
	"syscall"
	"time"
)

// slot is one process that is kept running. Two of them share an index while one takes the other's place.
type slot struct {
	index   int
	backoff Backoff
	breaker Breaker
	quit    chan struct{} // closed: nothing is started any more

	// These are guarded by the supervisor's mu.
	state   slotState
	process Process // nil while none runs
	status  Status
	next    int // serial of the next process, where it is known already; else 0
	started time.Time
	asked   bool // the process is wanted to end
	quits   bool // quit is closed
}

func (s *Supervisor) newSlot(index int, role string) *slot {
	return &slot{
		index: index, backoff: s.backoff, breaker: s.breaker, quit: make(chan struct{}),
		status: Status{Slot: index, Role: role, State: slotStarting.String(), Since: time.Now()},
	}
}

// end ends what is started in the slot, and notes that its process is wanted to end. The caller holds s.mu.
func (slot *slot) end() {
	slot.asked = true
	if !slot.quits {
		slot.quits = true
		close(slot.quit)
	}
}

// run waits for the slot's process and starts it again until Hold, or until another has taken its place.
func (s *Supervisor) run(slot *slot, failed error) {
	for {
		end := s.wait(slot, failed)
		pause, again := s.rest(slot, &end)
		if s.ended != nil {
			s.ended(end)
		}
		if !again || !s.pause(slot, pause) {
			break
		}
		s.mu.Lock()
		slot.status.Restarts++
		s.mu.Unlock()
		if failed = s.startSlot(slot); failed != nil {
			s.log.Error("worker cannot be restarted", "slot", slot.index, "error", failed)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot.state != slotEnded {
		s.setState(slot, slotEnded, time.Time{})
	}
	if slot.status.Role != "" {
		s.slots = slices.DeleteFunc(s.slots, isSlot(slot))
	}
}

func isSlot(one *slot) func(*slot) bool { return func(other *slot) bool { return other == one } }

// startSlot starts the slot's process. Only the slot's own goroutine, or Start before it exists, calls it.
func (s *Supervisor) startSlot(slot *slot) error {
	s.mu.Lock()
	if slot.state != slotStarting {
		s.setState(slot, slotStarting, time.Time{})
	}
	if slot.next == 0 {
		s.lastSerial++
		slot.next = s.lastSerial
	}
	serial := slot.next
	slot.status.Serial, slot.next = serial, 0
	slot.asked = slot.quits
	s.mu.Unlock()

	process, err := s.spawner.start(slot.index, serial)

	s.mu.Lock()
	slot.started = time.Now()
	if err == nil {
		slot.process = process
		slot.status.Pid = process.Pid()
		next := slotRunning
		if slot.breaker.open {
			next = slotTrial
		}
		s.log.Info("worker started", "slot", slot.index, "worker_pid", process.Pid(), "state", next.String())
		s.setState(slot, next, time.Time{})
	}
	s.mu.Unlock()

	// One that was started while all others were told to end has missed that.
	select {
	case <-s.hold:
		s.signal(slot, anyPid, syscall.SIGTERM)
	case <-slot.quit:
		s.signal(slot, anyPid, syscall.SIGTERM)
	default:
	}
	return err
}

// wait returns once the slot's process has ended, at once if it could not be started. One on trial closes the breaker
// meanwhile by a healthy life.
func (s *Supervisor) wait(slot *slot, failed error) End {
	s.mu.Lock()
	process := slot.process
	end := End{Slot: slot.index, Serial: slot.status.Serial, Pid: slot.status.Pid}
	s.mu.Unlock()
	if failed != nil {
		end.Text = failed.Error()
	} else {
		exit := make(chan string, 1)
		go func() { exit <- process.Wait() }()
		healthy := time.NewTimer(slot.backoff.Healthy)
		defer healthy.Stop()
		for end.Text == "" {
			select {
			case <-healthy.C:
				s.closeBreaker(slot)
			case end.Text = <-exit:
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slot.process = nil
	slot.status.Pid = 0
	end.At, end.Lived = time.Now(), time.Since(slot.started)
	end.Asked, end.Role = slot.asked, slot.status.Role
	for _, other := range s.slots {
		// The end of one that was replaced is the last that is known of its slot.
		if other == slot || end.Role == RoleReplaced && other.index == slot.index && other.status.Role == "" {
			other.status.LastExit, other.status.LastEnd = end.Text, &end
		}
	}
	s.log.Info("worker ended", "slot", slot.index, "worker_pid", end.Pid, "exit", end.Text, "lived", end.Lived.Round(time.Millisecond), "asked", end.Asked)
	return end
}

// closeBreaker: the slot's process has lived for a healthy while.
func (s *Supervisor) closeBreaker(slot *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot.breaker.Close()
	if slot.state == slotTrial {
		s.log.Info("breaker is closed: the worker keeps running", "slot", slot.index, "worker_pid", slot.status.Pid)
		s.setState(slot, slotRunning, time.Time{})
	}
}

// rest decides how long nothing runs in the slot after an end, and whether anything is started after that.
func (s *Supervisor) rest(slot *slot, end *End) (pause time.Duration, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pause = slot.backoff.Next(end.Lived)
	if !end.Asked {
		slot.breaker.Ended(end.At, end.Lived >= slot.backoff.Healthy)
	}
	end.Open = slot.breaker.open && !end.Asked
	if s.held() || slot.quits || slot.status.Role == RoleReplacement {
		return 0, false
	}
	if end.Open {
		pause = slot.backoff.jittered(slot.breaker.Wait)
		s.log.Error("breaker is open: the worker keeps ending", "slot", slot.index, "ends", slot.breaker.Ends,
			"within", slot.breaker.Window, "exit", end.Text, "next_trial", pause.Round(time.Millisecond))
		s.setState(slot, slotOpen, time.Now().Add(pause))
		return pause, true
	}
	s.log.Info("worker restarts", "slot", slot.index, "wait", pause)
	s.setState(slot, slotWaiting, time.Now().Add(pause))
	return pause, true
}

// pause waits, and tells whether a process is to be started then.
func (s *Supervisor) pause(slot *slot, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-s.hold:
		return false
	case <-slot.quit:
		return false
	case <-timer.C:
		return true
	}
}
