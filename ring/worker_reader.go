package ring

import "fmt"

// Take moves the oldest inbound event into e and acknowledges it; false if there is none (or the lane has a fault).
// Reader role.
func (l *WorkerLane) Take(e *Event) bool {
	if l.inHead == l.inTailSeen {
		tail := l.inTailWord.Load() // acquire: the events below tail are complete
		if tail == l.inHead || l.fault != nil {
			return false
		}
		if tail-l.inHead > uint64(len(l.inEvents)) {
			l.fail(fmt.Errorf("in_tail is %d, want %d to %d", tail, l.inHead, l.inHead+uint64(len(l.inEvents))))
			return false
		}
		l.inTailSeen = tail
	}
	*e = l.inEvents[l.inHead&uint64(len(l.inEvents)-1)]
	l.inHead++
	l.inHeadWord.Store(l.inHead) // release: the slot was copied out before the gateway may fill it again
	l.wake(l.gatewayStarvedWord)
	return true
}

// Backlog is how many events Take would find, as far as the lane knows without looking. Reader role.
func (l *WorkerLane) Backlog() int { return int(l.inTailSeen - l.inHead) }

// Empty reports whether no inbound event waits. Any goroutine.
func (l *WorkerLane) Empty() bool { return l.inHeadWord.Load() == l.inTailWord.Load() }

// Arm asks the gateway for a signal with its next event. Look at the ring again before sleeping: the store is
// sequentially consistent, so that either that look sees the event or the gateway sees the word. Any goroutine.
func (l *WorkerLane) Arm() { l.workerArmedWord.Store(1) }

// Disarm takes the request of Arm back. Any goroutine.
func (l *WorkerLane) Disarm() {
	if l.workerArmedWord.Load() != 0 {
		l.workerArmedWord.Store(0)
	}
}

// Claim changes the exchange from queued to claimed; false if the gateway has taken it back. Any goroutine.
func (l *WorkerLane) Claim(exchange, generation uint32) bool {
	word := uint64(generation) << 32
	return l.claims[exchange].CompareAndSwap(word|uint64(ClaimQueued), word|uint64(ClaimClaimed))
}

// CheckInbound says what is wrong with an inbound reference. Any goroutine.
func (l *WorkerLane) CheckInbound(r Ref) error {
	if r.Block == NoBlock && r.Offset|r.Length == 0 {
		return nil
	}
	if err := CheckRef(r, l.geometry.ArenaUnits); err != nil {
		return fmt.Errorf("%w: %w", ErrFault, err)
	}
	return nil
}

// Inbound borrows the bytes of a checked reference, until its block is returned. Any goroutine.
func (l *WorkerLane) Inbound(r Ref) []byte {
	if r.None() {
		return nil
	}
	from, to := int(r.Offset), int(r.Offset)+int(r.Length)
	return l.inArena[from:to:to]
}
