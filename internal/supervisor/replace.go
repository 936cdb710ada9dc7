package supervisor

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

var errHeld = errors.New("no more workers are started")

// Replace starts another process beside the one with this serial number, to take its place by Promote. It returns the
// serial number of the new one; what becomes of it is told by Ended alone, a start that fails as well.
func (s *Supervisor) Replace(serial int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held() {
		return 0, errHeld
	}
	old := s.bySerial(serial)
	if old == nil || old.process == nil || old.status.Role != "" {
		return 0, fmt.Errorf("process %d of this program does not run, expected one that can be replaced", serial)
	}
	for _, other := range s.slots {
		if other != old && other.index == old.index {
			return 0, fmt.Errorf("slot %d is being replaced already", old.index)
		}
	}
	slot := s.newSlot(old.index, RoleReplacement)
	s.lastSerial++
	slot.next, slot.status.Serial = s.lastSerial, s.lastSerial
	s.slots = append(s.slots, slot)
	s.running.Go(func() { s.run(slot, s.startSlot(slot)) })
	return slot.next, nil
}

// Keeps tells whether the process with this serial number has a slot for itself: it is none that is to replace another
// or was replaced, and none that has ended and was followed by another.
func (s *Supervisor) Keeps(serial int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := s.bySerial(serial)
	return slot != nil && slot.status.Role == ""
}

// Promote gives the place of a slot to its replacement, which is started again from then on. What was there before is
// not, and is wanted to end; it is not told so. Promote returns false if the replacement does not run.
func (s *Supervisor) Promote(serial int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := s.bySerial(serial)
	// A worker may be heard of before its start has returned.
	if slot == nil || slot.process == nil && slot.state != slotStarting || slot.status.Role != RoleReplacement || slot.asked {
		return false
	}
	for _, old := range s.slots {
		if old.index == slot.index && old.status.Role == "" {
			old.end()
			old.status.Role = RoleReplaced
			slot.status.Restarts, slot.status.LastExit, slot.status.LastEnd = old.status.Restarts, old.status.LastExit, old.status.LastEnd
		}
	}
	slot.status.Role = ""
	return true
}

// Discard ends a replacement: by TERM, and by KILL if it is still there after grace.
func (s *Supervisor) Discard(serial int, grace time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := s.bySerial(serial)
	if slot == nil || slot.status.Role != RoleReplacement {
		return
	}
	slot.end()
	s.signalLocked(slot, anyPid, syscall.SIGTERM)
	time.AfterFunc(grace, func() { s.Kill(serial) })
}

// Kill ends the process with this serial number, if it still runs.
func (s *Supervisor) Kill(serial int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot := s.bySerial(serial); slot != nil {
		s.signalLocked(slot, anyPid, syscall.SIGKILL)
	}
}

// Expect notes that the process with this serial number is wanted to end.
func (s *Supervisor) Expect(serial int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot := s.bySerial(serial); slot != nil {
		slot.asked = true
	}
}

// bySerial finds the slot whose process has this serial number. The caller holds s.mu.
func (s *Supervisor) bySerial(serial int) *slot {
	for _, slot := range s.slots {
		if slot.status.Serial == serial {
			return slot
		}
	}
	return nil
}
