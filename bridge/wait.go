package bridge

// await lets a handler wait for a change of its exchange; it may return without one. The lock is held before and after.
//
// In inline mode the handler runs on the only reader, so that whoever waits has to read the lane itself: one at a time,
// the others wait for that one to come back. Only beside hijacked exchanges may there be a reader that is free.
func (ex *exchange) await() {
	l := ex.lane
	if l.closed {
		return
	}
	l.cover()
	if l.mode != modeInline || l.polling || l.pumping || l.readers-l.detached > l.running {
		ex.cond.Wait()
		return
	}
	l.pumping = true
	steps := l.steps
	l.next(false)
	if l.steps == steps && !l.closed && !l.polling {
		l.poll()
	}
	l.pumping = false
	ex.cond.Broadcast() // somebody else of this handler may have to go on pumping
	if n := len(l.idle); n > 0 {
		// The handler has returned meanwhile, and the reader went to sleep because somebody polled.
		r := l.idle[n-1]
		l.idle = l.idle[:n-1]
		r.wake <- struct{}{}
	}
}
