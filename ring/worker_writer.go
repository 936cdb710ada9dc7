package ring

import "fmt"

// Publish hands an outbound event to the gateway; false if the ring is full (see Starve) or the lane has a fault.
// Writer role.
func (l *WorkerLane) Publish(e *Event) bool {
	if l.outTail-l.outHeadSeen >= uint64(len(l.outEvents)) && !l.loadOutHead() {
		return false
	}
	l.outEvents[l.outTail&uint64(len(l.outEvents)-1)] = *e
	l.outTail++
	l.outTailWord.Store(l.outTail) // release: the slot is complete; also the full fence before the armed word is read
	l.wake(l.gatewayArmedWord)
	return true
}

// loadOutHead refreshes the gateway's index and reports whether there is room.
func (l *WorkerLane) loadOutHead() bool {
	head := l.outHeadWord.Load()
	if l.fault != nil {
		return false
	}
	if head < l.outHeadSeen || head > l.outTail {
		l.fail(fmt.Errorf("out_head is %d, want %d to %d", head, l.outHeadSeen, l.outTail))
		return false
	}
	l.outHeadSeen = head
	return l.outTail-head < uint64(len(l.outEvents))
}

// Return gives an inbound block back. The return ring holds every block of the arena, so that there is always room.
// Writer role.
func (l *WorkerLane) Return(block uint32) {
	l.inReturns[l.inReturned&uint64(len(l.inReturns)-1)] = block
	l.inReturned++
	l.inReturnTailWord.Store(l.inReturned)
	l.wake(l.gatewayStarvedWord)
}

// Alloc takes an outbound block of the order; false if none is free (see Starve). Writer role.
func (l *WorkerLane) Alloc(order uint) (Handle, bool) {
	if l.arena.InUse() >= l.drainAt {
		l.DrainReturns()
	}
	h, ok := l.arena.Alloc(order)
	if !ok && l.DrainReturns() > 0 {
		h, ok = l.arena.Alloc(order)
	}
	return h, ok
}

// Release frees a block that was never published. Writer role.
func (l *WorkerLane) Release(h Handle) {
	if err := l.arena.Free(h); err != nil {
		panic(err) // our own mistake: the gateway has never seen this block
	}
}

// DrainReturns frees the outbound blocks that the gateway has given back, and counts them. Writer role.
func (l *WorkerLane) DrainReturns() int {
	tail := l.outReturnTailWord.Load() // acquire: the entries below tail are complete
	n := tail - l.outReturned
	if n > uint64(len(l.outReturns)) {
		l.fail(fmt.Errorf("out_return_tail is %d, want %d to %d", tail, l.outReturned, l.outReturned+uint64(len(l.outReturns))))
		return 0
	}
	for ; l.outReturned != tail; l.outReturned++ {
		h := Handle(l.outReturns[l.outReturned&uint64(len(l.outReturns)-1)])
		if err := l.arena.Free(h); err != nil {
			l.fail(err)
			return 0
		}
	}
	if n > 0 {
		l.outReturnHeadWord.Store(l.outReturned)
	}
	l.freed += n
	l.drainAt = l.arena.InUse() + drainStep
	return int(n)
}

// Freed counts the blocks that DrainReturns, and Alloc by it, has freed so far. Writer role.
func (l *WorkerLane) Freed() uint64 { return l.freed }

// Block borrows the memory of an allocated outbound block, until an event that refers to it is published. Any goroutine.
func (l *WorkerLane) Block(h Handle) []byte {
	from := h.Unit() * Unit
	return l.outArena[from : from+h.Size() : from+h.Size()]
}

// Starve asks the gateway for a signal when it has consumed events or given blocks back. Look again before sleeping,
// as with Arm. Any goroutine.
func (l *WorkerLane) Starve() { l.workerStarvedWord.Store(1) }

// ReturnsWait reports whether blocks came back that were not drained yet. Any goroutine.
func (l *WorkerLane) ReturnsWait() bool {
	return l.outReturnTailWord.Load() != l.outReturnHeadWord.Load()
}

// Room reports whether the outbound ring can take another event. Any goroutine.
func (l *WorkerLane) Room() bool {
	return l.outTailWord.Load()-l.outHeadWord.Load() < uint64(len(l.outEvents))
}

// Arena is the record of the outbound arena, for its counters. Writer role.
func (l *WorkerLane) Arena() *Arena { return l.arena }
