package bridge

import (
	"sync"
	"sync/atomic"

	"ringway/ring"
)

// lane is the worker's end of one lane with everything that runs on it. mu is both roles of the ring (reader and
// writer) and guards every field of the lane and of its exchanges, unless said otherwise.
type lane struct {
	att    *attachment
	mu     sync.Mutex
	ring   *ring.WorkerLane
	socket *ring.Socket
	slots  []exchange
	active int // exchanges bound to a request: queued or running
	closed bool

	// Dispatch, see dispatch.go.
	mode     mode
	limit    int // handlers that may run at once
	running  int
	readers  int // reader goroutines
	detached int // of them: in handlers that have taken a connection over, and do not count as running
	starting int // of them: readied, but not running yet (at most one)
	pool     int // goroutines of a pool
	polling  bool
	pumping  bool   // inline: a waiting handler reads the lane
	turn     uint64 // handlers started (auto)
	guard    int    // of the next ones, how many get a follower in any case
	strikes  int    // long handlers seen lately
	exposed  bool   // the latest handler has none, see guard.go
	steps    uint64 // events handled and writers fed
	idle     []*reader
	queue    queue
	event    ring.Event // the one being handled

	// Writers that wait for something of the whole lane, see starve.go.
	blockWaiters, roomWaiters []*exchange
	starved                   atomic.Uint32 // what they wait for, for the poller

	files    int        // descriptors under way: sent, and the gateway has not let go of them
	sending  sync.Mutex // of nextFile, and of sending its descriptor
	nextFile uint32     // number of the next descriptor

	buffers []*buffer   // unused ones
	isAwake func() bool // l.awake, made once
	isDue   func() bool // l.due, likewise
	spin    spinner
}

func newLane(att *attachment, end *ring.WorkerLane, socket *ring.Socket, opts *options, lanes int) *lane {
	l := &lane{att: att, ring: end, socket: socket, mode: opts.dispatch.mode, limit: opts.perLane(lanes), guard: guardFor}
	l.slots = make([]exchange, end.Geometry().ExchangeSlots)
	for i := range l.slots {
		ex := &l.slots[i]
		ex.lane, ex.slot = l, uint32(i)
		ex.cond.L = (*laneLocker)(l)
		ex.sender.ex = ex
	}
	l.isAwake, l.isDue = l.awake, l.due
	l.spin.limit = opts.spin
	return l
}

func (l *lane) lock() { l.mu.Lock() }

// unlock lets go of the lane and then sends the wake-up that became due meanwhile: never under the lock, because it is
// a system call.
func (l *lane) unlock() {
	due := l.ring.SignalDue()
	l.mu.Unlock()
	if due {
		l.socket.Signal()
	}
}

// unlockQuietly lets go of the lane and leaves the wake-up that became due to the caller.
func (l *lane) unlockQuietly() (due bool) {
	due = l.ring.SignalDue()
	l.mu.Unlock()
	return due
}

// laneLocker is a lane as the lock of a sync.Cond, so that waiting sends due wake-ups too.
type laneLocker lane

func (l *laneLocker) Lock()   { (*lane)(l).lock() }
func (l *laneLocker) Unlock() { (*lane)(l).unlock() }

// give returns an inbound block, if the reference has one.
func (l *lane) give(r ring.Ref) {
	if !r.None() && !l.closed { // after its end the gateway replays requests from the blocks that are still lent
		l.ring.Return(r.Block)
	}
}

// shut ends the lane after the gateway has gone: handlers see their context cancelled and their writes fail, readers
// end. The caller closes the socket, which ends the poller.
func (l *lane) shut(cause error) {
	l.lock()
	defer l.unlock()
	if l.closed {
		return
	}
	l.closed = true
	for i := range l.slots {
		ex := &l.slots[i]
		switch ex.state {
		case exchangeQueued:
			l.queue.remove(ex)
			ex.move(exchangeIdle)
		case exchangeRunning:
			ex.cancelled = cause
			if ex.context != nil {
				ex.context.cancel(cause)
			}
			ex.cond.Broadcast()
		}
	}
	for _, r := range l.idle {
		r.wake <- struct{}{}
	}
	l.idle = nil
}

// quiet reports whether nothing runs and nothing waits on the lane.
func (l *lane) quiet() bool {
	l.lock()
	defer l.unlock()
	return l.closed || l.active == 0 && l.ring.Empty()
}
