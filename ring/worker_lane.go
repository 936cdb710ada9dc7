package ring

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// ErrFault is wrapped by every error about a shared word or event that cannot be true.
var ErrFault = errors.New("ring: the gateway broke the protocol")

// WorkerLane is the worker's end of one lane: consumer of the inbound ring and of the returns of outbound blocks,
// producer of the outbound ring and of the returns of inbound blocks.
//
// Its methods need one of two roles, each held by one goroutine at a time: the reader role (Take) and the writer role
// (Publish, Alloc, Return and what they use). Methods marked "any goroutine" need neither.
type WorkerLane struct {
	geometry Geometry
	inArena  []byte
	outArena []byte
	claims   []*atomic.Uint64

	// Reader role.
	inEvents   []Event
	inHead     uint64 // private copy of our own index
	inTailSeen uint64 // the peer's index when it was last loaded

	// Writer role.
	outEvents   []Event
	outTail     uint64
	outHeadSeen uint64
	inReturns   []uint32
	inReturned  uint64 // private copy of in_return_tail
	outReturns  []uint32
	outReturned uint64 // private copy of out_return_head
	arena       *Arena
	freed       uint64
	drainAt     int // arena use at which returns are looked at without need

	// Either role sets due; SignalDue clears it. Both roles are held under one lock by the caller, or by one goroutine.
	due   bool
	fault error

	inTailWord, inHeadWord                *atomic.Uint64
	outTailWord, outHeadWord              *atomic.Uint64
	inReturnTailWord                      *atomic.Uint64
	outReturnTailWord, outReturnHeadWord  *atomic.Uint64
	workerArmedWord, gatewayArmedWord     *atomic.Uint64
	workerStarvedWord, gatewayStarvedWord *atomic.Uint64
}

// drainStep is how many more units may be lent before returns are looked at again: often enough that a light load
// keeps reusing the same few blocks, rarely enough that the peer's index word is not loaded for every response.
const drainStep = 16

// NewWorkerLane attaches to one lane part of each segment. The memory is fresh: all indexes are zero.
// Preconditions: g is valid; both parts have the strides of g and start on 8 bytes.
func NewWorkerLane(g Geometry, inbound, outbound []byte) *WorkerLane {
	m := NewLaneMemory(g, inbound, outbound)
	return &WorkerLane{
		geometry: g,
		inArena:  m.InArena, outArena: m.OutArena,
		claims:   m.Claims,
		inEvents: m.InEvents, outEvents: m.OutEvents,
		inReturns: m.InReturns, outReturns: m.OutReturns,
		arena:   NewArena(g.ArenaUnits),
		drainAt: drainStep,

		inTailWord: m.InTail, inHeadWord: m.InHead,
		outTailWord: m.OutTail, outHeadWord: m.OutHead,
		inReturnTailWord:  m.InReturnTail,
		outReturnTailWord: m.OutReturnTail, outReturnHeadWord: m.OutReturnHead,
		workerArmedWord: m.WorkerArmed, gatewayArmedWord: m.GatewayArmed,
		workerStarvedWord: m.WorkerStarved, gatewayStarvedWord: m.GatewayStarved,
	}
}

// Geometry is what the lane was made with.
func (l *WorkerLane) Geometry() Geometry { return l.geometry }

// Fault is the first broken promise of the gateway that either role saw; nil if there was none. A lane with a fault
// takes and publishes nothing more.
func (l *WorkerLane) Fault() error { return l.fault }

func (l *WorkerLane) fail(err error) {
	if l.fault == nil {
		l.fault = fmt.Errorf("%w: %w", ErrFault, err)
	}
}

// SignalDue reports whether the gateway asked to be woken for something done since the last call. The caller signals
// after it has let go of its lock.
func (l *WorkerLane) SignalDue() bool {
	due := l.due
	l.due = false
	return due
}

// wake notes a due signal if the peer has set its word. Every caller has just stored an index with a Go atomic, which
// is sequentially consistent, so that this load cannot be ordered before that store and a sleeping peer is never missed.
func (l *WorkerLane) wake(word *atomic.Uint64) {
	if word.Load() != 0 && word.Swap(0) != 0 {
		l.due = true
	}
}
