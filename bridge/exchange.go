package bridge

import (
	"fmt"
	"sync"
	"time"

	"ringway/ring"
)

// exchangeState is how far the request of a slot has come here.
type exchangeState uint8

const (
	exchangeIdle    exchangeState = iota // no request is bound, or its last event was published (L4)
	exchangeQueued                       // bound; its handler has not started; the claim word says QUEUED
	exchangeRunning                      // claimed; its last event is owed
)

// exchange is one slot of a lane, used by one request after another. Fields are guarded by lane.mu.
type exchange struct {
	lane       *lane
	slot       uint32
	generation uint32
	state      exchangeState
	cond       sync.Cond // broadcast when anything changes that a handler of this exchange may wait for

	// Request.
	head ring.Ref // the request block, returned with the last event: until then the gateway may replay the request
	body inbox

	publishedNs uint64 // when the gateway published it, see monotonic; 0: unknown
	startedNs   uint64 // when the handler started; 0: it has not

	// cancelled is why writes and further reads fail; a half-closed client only cancels the context.
	cancelled error
	halfGone  bool
	context   *requestContext

	// Hijacked, see hijack.go.
	stream streamState
	closed bool    // by the connection's Close: who still writes or reads gives up
	reader *reader // whose handler it is

	// Response.
	began         time.Time // of the handler, if it is timed
	window        int       // bytes of blocks that may still be published
	wanting       bool      // a WANT was published and no CREDIT came since
	filing        bool      // a file was handed over and the gateway has not let go of it
	fileStatus    uint16    // what became of the last one
	sender        sender
	deadlines     deadlines
	env           envExchange
	starvedBlocks bool // in lane.blockWaiters
	starvedRoom   bool // in lane.roomWaiters

	before, after *exchange // in the private queue
	queued        bool
}

// move is the only setter of state.
func (ex *exchange) move(to exchangeState) {
	from := ex.state
	switch {
	case from == exchangeIdle && to == exchangeQueued:
		ex.lane.active++
	case from == exchangeQueued && to == exchangeRunning:
	case from != exchangeIdle && to == exchangeIdle:
		ex.lane.active--
	default:
		panic(fmt.Sprintf("bridge: exchange %d cannot go from state %d to %d", ex.slot, from, to))
	}
	ex.state = to
}

// runs reports whether the request of that generation is still being handled.
func (ex *exchange) runs(generation uint32) bool {
	return ex.state == exchangeRunning && ex.generation == generation
}

// deadlines of reads and writes, as http.ResponseController sets them.
type deadlines struct {
	read, write           time.Time
	readTimer, writeTimer *time.Timer
}

func (d *deadlines) stop() {
	if d.readTimer != nil {
		d.readTimer.Stop()
	}
	if d.writeTimer != nil {
		d.writeTimer.Stop()
	}
	*d = deadlines{}
}

func passed(deadline time.Time) bool {
	return !deadline.IsZero() && !time.Now().Before(deadline)
}

// setDeadline changes one of the deadlines; waiters look again when it passes.
func (ex *exchange) setDeadline(at *time.Time, timer **time.Timer, deadline time.Time) {
	if *timer != nil {
		(*timer).Stop()
		*timer = nil
	}
	*at = deadline
	if !deadline.IsZero() {
		*timer = time.AfterFunc(time.Until(deadline), ex.lookAgain)
	}
	ex.cond.Broadcast()
}

// lookAgain makes everybody who waits for something of this exchange check again.
func (ex *exchange) lookAgain() {
	ex.lane.lock()
	ex.cond.Broadcast()
	ex.lane.unlock()
	if ex.lane.mode == modeInline {
		ex.lane.socket.Interrupt() // who waits may be the one that polls
	}
}
