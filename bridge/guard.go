package bridge

import (
	"sync/atomic"
	"time"
)

// Readying a follower for every request wakes a thread each time the machine has an idle processor, which costs more
// than a short handler does. So as long as the handlers of a lane prove short, one runs exposed: with nobody ready to go
// on reading. Then the watch looks after the lane, and readies a follower when the same handler still runs at its next
// tick. Handlers that wait inside this package ready one themselves. One long handler ends exposure for the next ones.
const (
	guardFor     = 1024                  // handlers that get a follower after a long one was seen
	longHandler  = 25 * time.Microsecond // serving others meanwhile is worth a follower
	longStrikes  = 4                     // each long sample counts 2, each short one takes 1 back: one alone may be chance
	sampleEvery  = 16                    // handlers of which one is timed; a power of two
	passedBy     = 8                     // a handler is long if that many others began while it ran
	backlogLimit = 64                    // events ahead with which help is welcome
	watchTick    = time.Millisecond
	watchIdle    = 20 // ticks without a request after which the watch sleeps
)

// guarded decides, when a handler starts, whether it gets a follower. The lane is locked.
func (l *lane) guarded() bool {
	l.turn++
	if l.guard > 0 {
		l.guard--
		return true
	}
	if l.ring.Backlog() >= backlogLimit || l.queue.first != nil {
		return true
	}
	return false
}

// expose lets a handler run without a follower.
func (l *lane) expose() {
	l.exposed = true
	l.att.watch.poke(l.att)
}

// learn takes account of a handler that has returned. The lane is locked.
func (l *lane) learn(turn uint64) {
	if l.turn == turn {
		l.exposed = false
	}
	if l.turn-turn >= passedBy {
		l.guard = guardFor
	}
}

// timed takes account of a handler that was timed, at its last event: what comes after that is a system call to wake
// the gateway, which may well take our processor. The lane is locked.
func (l *lane) timed(took time.Duration) {
	if took <= longHandler {
		l.strikes = max(0, l.strikes-1)
	} else if l.strikes += 2; l.strikes >= longStrikes {
		l.strikes, l.guard = 0, guardFor
	}
}

// cover readies a follower for a handler that runs exposed and is about to wait. The lane is locked.
func (l *lane) cover() {
	if !l.exposed {
		return
	}
	l.exposed = false
	l.guard = guardFor
	if r := l.follower(); r != nil {
		l.ready(r)
	}
}

// watch looks after the exposed lanes of an attachment.
type watch struct {
	awake atomic.Bool
	wake  chan struct{}
}

// poke makes sure that the watch ticks.
func (w *watch) poke(att *attachment) {
	if !w.awake.Load() && w.awake.CompareAndSwap(false, true) {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// run ticks while requests come, until the attachment ends.
func (w *watch) run(att *attachment) {
	seen := make([]uint64, len(att.lanes))
	tick := time.NewTicker(watchTick)
	defer tick.Stop()
	for {
		tick.Stop()
		select {
		case <-w.wake:
		case <-att.ended:
			return
		}
		tick.Reset(watchTick)
		for still := 0; still < watchIdle; still++ {
			select {
			case <-tick.C:
			case <-att.ended:
				return
			}
			if w.look(att, seen) {
				still = 0
			}
			if still == watchIdle-1 {
				// Sleep, and look once more: who exposed its lane before this store was seen or does not poke.
				w.awake.Store(false)
				if w.look(att, seen) && w.awake.CompareAndSwap(false, true) {
					still = 0
				}
			}
		}
	}
}

// look covers every lane whose handler was exposed at the last look already, and reports whether any lane is in use.
func (w *watch) look(att *attachment, seen []uint64) (used bool) {
	for i, l := range att.lanes {
		l.lock()
		if l.exposed {
			used = true
			if l.turn == seen[i] {
				l.cover()
			}
		}
		used = used || l.turn != seen[i]
		seen[i] = l.turn
		l.unlock()
	}
	return used
}
