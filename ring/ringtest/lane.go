package ringtest

import (
	"fmt"

	"ringway/ring"
)

// Lane is the gateway's end of one lane, without locking.
type Lane struct {
	ring.LaneMemory
	Geometry ring.Geometry
	Blocks   *ring.Arena // of the inbound arena

	inTail, outHead, outReturned, inReturned uint64
	due                                      bool
}

// NewLane makes the gateway's end over two lane parts.
func NewLane(g ring.Geometry, inbound, outbound []byte) *Lane {
	return &Lane{LaneMemory: ring.NewLaneMemory(g, inbound, outbound), Geometry: g, Blocks: ring.NewArena(g.ArenaUnits)}
}

// HeapPair makes both ends of a lane on heap memory.
func HeapPair(g ring.Geometry) (*Lane, *ring.WorkerLane) {
	inbound, outbound := ring.AlignedHeap(g.InboundStride()), ring.AlignedHeap(g.OutboundStride())
	return NewLane(g, inbound, outbound), ring.NewWorkerLane(g, inbound, outbound)
}

// SignalDue reports whether the worker asked to be woken since the last call.
func (l *Lane) SignalDue() bool {
	due := l.due
	l.due = false
	return due
}

// Room is how many more inbound slots are free.
func (l *Lane) Room() int { return l.Geometry.RingSlots - int(l.inTail-l.InHead.Load()) }

// Published is the index that the next inbound event gets.
func (l *Lane) Published() uint64 { return l.inTail }

// Consumed reports whether the worker has taken the inbound event with that index.
func (l *Lane) Consumed(index uint64) bool { return l.InHead.Load() > index }

// Publish hands an inbound event to the worker; false if the ring is full.
func (l *Lane) Publish(e *ring.Event) bool {
	if l.Room() <= 0 {
		return false
	}
	l.InEvents[l.inTail&uint64(l.Geometry.RingSlots-1)] = *e
	l.inTail++
	l.InTail.Store(l.inTail)
	if l.WorkerArmed.Load() != 0 && l.WorkerArmed.Swap(0) != 0 {
		l.due = true
	}
	return true
}

// Take consumes an outbound event; false if there is none.
func (l *Lane) Take(e *ring.Event) bool {
	tail := l.OutTail.Load()
	if tail == l.outHead {
		return false
	}
	*e = l.OutEvents[l.outHead&uint64(l.Geometry.RingSlots-1)]
	l.outHead++
	l.OutHead.Store(l.outHead)
	l.feed()
	return true
}

// feed wakes a worker that waits for room or blocks.
func (l *Lane) feed() {
	if l.WorkerStarved.Load() != 0 && l.WorkerStarved.Swap(0) != 0 {
		l.due = true
	}
}

// Return gives an outbound block back.
func (l *Lane) Return(block uint32) {
	l.OutReturns[l.outReturned&uint64(len(l.OutReturns)-1)] = block
	l.outReturned++
	l.OutReturnTail.Store(l.outReturned)
	l.feed()
}

// Returned takes one inbound block that the worker gave back, and frees it.
func (l *Lane) Returned() (ring.Handle, bool, error) {
	tail := l.InReturnTail.Load()
	if tail == l.inReturned {
		return 0, false, nil
	}
	if tail-l.inReturned > uint64(len(l.InReturns)) {
		return 0, false, fmt.Errorf("in_return_tail %d with head %d", tail, l.inReturned)
	}
	h := ring.Handle(l.InReturns[l.inReturned&uint64(len(l.InReturns)-1)])
	l.inReturned++
	l.InReturnHead.Store(l.inReturned)
	return h, true, l.Blocks.Free(h)
}

// Idle reports whether nothing waits for the gateway: no event, no return.
func (l *Lane) Idle() bool {
	return l.OutTail.Load() == l.outHead && l.InReturnTail.Load() == l.inReturned
}

// Queue stores {generation, QUEUED} into a claim word, before REQUEST is published.
func (l *Lane) Queue(slot, generation uint32) {
	l.Claims[slot].Store(uint64(generation)<<32 | uint64(ring.ClaimQueued))
}

// TakeBack changes QUEUED to CANCELLED; false if the worker has claimed the exchange.
func (l *Lane) TakeBack(slot, generation uint32) bool {
	word := uint64(generation) << 32
	return l.Claims[slot].CompareAndSwap(word|uint64(ring.ClaimQueued), word|uint64(ring.ClaimCancelled))
}
