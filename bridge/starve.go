package bridge

import (
	"slices"

	"ringway/ring"
)

// What writers of a lane wait for.
const (
	starvedOfBlocks uint32 = 1 << iota
	starvedOfRoom
)

// awaitBlocks lets a writer wait until the gateway has given outbound blocks back. The lock is held before and after;
// the caller looks again.
func (ex *exchange) awaitBlocks() {
	l := ex.lane
	if !ex.starvedBlocks {
		ex.starvedBlocks = true
		l.blockWaiters = append(l.blockWaiters, ex)
		l.starved.Or(starvedOfBlocks)
	}
	l.starve()
	if l.ring.ReturnsWait() { // look again after arming, so that no return is missed
		return
	}
	ex.await()
}

// starve asks the gateway for a signal when it has given something back. The caller looks again afterwards.
func (l *lane) starve() {
	l.ring.Starve()
	l.socket.Expect()
}

// alloc takes an outbound block. It may have drained more returns than it needed: those who wait for blocks are told,
// because nothing else will.
func (l *lane) alloc(order uint) (ring.Handle, bool) {
	freed := l.ring.Freed()
	h, ok := l.ring.Alloc(order)
	if len(l.blockWaiters) > 0 && l.ring.Freed() != freed {
		l.wakeBlockWaiters()
	}
	return h, ok
}

// release frees an outbound block that was never published.
func (l *lane) release(h ring.Handle) {
	l.ring.Release(h)
	l.wakeBlockWaiters()
}

func (l *lane) wakeBlockWaiters() {
	for _, ex := range l.blockWaiters {
		ex.starvedBlocks = false
		ex.cond.Broadcast()
	}
	clear(l.blockWaiters)
	l.blockWaiters = l.blockWaiters[:0]
	l.starved.And(^starvedOfBlocks)
}

// awaitRoom lets a writer wait until the gateway has consumed outbound events.
func (ex *exchange) awaitRoom() {
	l := ex.lane
	if !ex.starvedRoom {
		ex.starvedRoom = true
		l.roomWaiters = append(l.roomWaiters, ex)
		l.starved.Or(starvedOfRoom)
	}
	l.starve()
	if l.ring.Room() {
		return
	}
	ex.await()
}

// feed wakes the writers whose want the gateway has met. Whoever reads the lane calls it before anything else.
func (l *lane) feed() {
	what := l.starved.Load()
	if what&starvedOfBlocks != 0 && l.ring.ReturnsWait() {
		l.steps++
		l.ring.DrainReturns()
		l.wakeBlockWaiters()
	}
	if what&starvedOfRoom != 0 && l.ring.Room() {
		l.steps++
		for _, ex := range l.roomWaiters {
			ex.starvedRoom = false
			ex.cond.Broadcast()
		}
		clear(l.roomWaiters)
		l.roomWaiters = l.roomWaiters[:0]
		l.starved.And(^starvedOfRoom)
	}
}

// fed reports, without the lock, whether feed would find something to do.
func (l *lane) fed() bool {
	what := l.starved.Load()
	return what != 0 && (what&starvedOfBlocks != 0 && l.ring.ReturnsWait() || what&starvedOfRoom != 0 && l.ring.Room())
}

// unstarve takes an exchange off the lists when it stops waiting for another reason.
func (ex *exchange) unstarve() {
	l := ex.lane
	if ex.starvedBlocks {
		ex.starvedBlocks = false
		l.blockWaiters = slices.DeleteFunc(l.blockWaiters, func(o *exchange) bool { return o == ex })
		if len(l.blockWaiters) == 0 {
			l.starved.And(^starvedOfBlocks)
		}
	}
	if ex.starvedRoom {
		ex.starvedRoom = false
		l.roomWaiters = slices.DeleteFunc(l.roomWaiters, func(o *exchange) bool { return o == ex })
		if len(l.roomWaiters) == 0 {
			l.starved.And(^starvedOfRoom)
		}
	}
}
