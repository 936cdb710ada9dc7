package bridge

// queue is the private queue of a lane: requests that no handler may start for yet. An exchange is in it at most once,
// and links are part of the exchange, so that it is bounded by the slots and needs no memory.
type queue struct {
	first, last *exchange
}

func (q *queue) push(ex *exchange) {
	ex.before, ex.after, ex.queued = q.last, nil, true
	if q.last != nil {
		q.last.after = ex
	} else {
		q.first = ex
	}
	q.last = ex
}

func (q *queue) remove(ex *exchange) {
	if !ex.queued {
		return
	}
	if ex.before != nil {
		ex.before.after = ex.after
	} else {
		q.first = ex.after
	}
	if ex.after != nil {
		ex.after.before = ex.before
	} else {
		q.last = ex.before
	}
	ex.before, ex.after, ex.queued = nil, nil, false
}

// pop takes the oldest; nil if the queue is empty.
func (q *queue) pop() *exchange {
	ex := q.first
	if ex != nil {
		q.remove(ex)
	}
	return ex
}
