package bridge

// In pool mode one reader puts every request into the private queue, and a bounded number of goroutines take them from
// there. The reader never runs a handler, so that body, credit and cancel events never wait for one.

// employ gets somebody for a request that was just queued: an idle goroutine of the pool, or a new one while there are
// fewer than the limit. Otherwise all of them are busy, and look at the queue when they are done.
func (l *lane) employ() {
	if n := len(l.idle); n > 0 {
		r := l.idle[n-1]
		l.idle = l.idle[:n-1]
		r.wake <- struct{}{}
		return
	}
	if l.pool < l.limit {
		l.pool++
		l.att.users.Add(1)
		go l.work(newReader())
	}
}

// work is the loop of a goroutine of the pool.
func (l *lane) work(r *reader) {
	defer l.att.users.Done()
	regular := false
	defer func() {
		if !regular { // the handler ended its goroutine
			l.lock()
			l.returned(r)
			l.unlock()
			if !r.surplus {
				l.att.users.Add(1)
				go l.work(newReader())
			}
		}
	}()
	l.lock()
	for !l.closed && !r.surplus {
		l.prepare(r)
		if ex := l.pick(); ex != nil {
			l.handOver(r, ex)
			continue
		}
		if l.closed {
			break
		}
		l.idle = append(l.idle, r)
		l.unlock()
		<-r.wake
		l.lock()
	}
	regular = true
	l.unlock()
}
