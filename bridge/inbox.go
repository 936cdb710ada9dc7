package bridge

import "ringway/ring"

// inbox holds the pieces of a request body that have arrived, in lent blocks. Guarded by lane.mu.
type inbox struct {
	parts    []ring.Ref // unread, oldest at first
	first    int
	trailers []byte // field list, copied
	ended    bool   // the last piece has arrived
	expect   bool   // the client may wait for CONTINUE
	asked    bool   // CONTINUE was published, or the response began
	closed   bool   // nobody will read the rest
	busy     bool   // a piece is being read outside the lock
	headBusy bool   // that piece shares the block of the request head
}

func (b *inbox) reset() {
	*b = inbox{parts: b.parts[:0]}
}

// add takes a piece, and trailers, out of an event.
func (b *inbox) add(ex *exchange, e *ring.Event, head, body ring.Ref) {
	l := ex.lane
	if !head.None() {
		if e.Flags&ring.FlagTrailers != 0 && !b.closed {
			b.trailers = append([]byte(nil), l.ring.Inbound(head)...)
		}
		if head.Block != body.Block {
			l.give(head)
		}
	}
	if !body.None() {
		if b.closed || body.Length == 0 {
			b.back(ex, body)
		} else {
			b.parts = append(b.parts, body)
		}
	}
	if e.Flags&ring.FlagEnd != 0 {
		b.ended = true
	}
}

// back returns the block of a piece, unless it is the request's own: that one goes back with the last event.
func (b *inbox) back(ex *exchange, r ring.Ref) {
	if r.Block != ex.head.Block {
		ex.lane.give(r)
	}
}

// waiting reports whether a piece can be read now.
func (b *inbox) waiting() bool { return b.first < len(b.parts) }

// take removes the oldest piece for reading outside the lock.
func (b *inbox) take(ex *exchange) ring.Ref {
	r := b.parts[b.first]
	b.first++
	if b.first == len(b.parts) {
		b.parts, b.first = b.parts[:0], 0
	}
	b.busy, b.headBusy = true, r.Block == ex.head.Block
	return r
}

// untake puts back what is left of a piece after reading n bytes of it.
func (b *inbox) untake(ex *exchange, r ring.Ref, n int) {
	b.busy, b.headBusy = false, false
	if uint32(n) >= r.Length || b.closed {
		b.back(ex, r)
		return
	}
	r.Offset += uint32(n)
	r.Length -= uint32(n)
	if b.first > 0 {
		b.first--
		b.parts[b.first] = r
		return
	}
	b.parts = append(b.parts, ring.Ref{})
	copy(b.parts[1:], b.parts)
	b.parts[0] = r
}

// drop returns every unread piece; what still arrives goes back at once.
func (b *inbox) drop(ex *exchange) {
	b.closed = true
	for _, r := range b.parts[b.first:] {
		b.back(ex, r)
	}
	b.parts, b.first = b.parts[:0], 0
}
