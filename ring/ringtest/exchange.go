package ringtest

import (
	"errors"
	"fmt"
	"time"

	"ringway/ring"
)

// Exchange is one request of a test, and its answer.
type Exchange struct {
	gw         *Gateway
	slot       uint32
	generation uint32

	window    int // what the worker may still use
	owed      int // credit that waits for the one before to be consumed
	creditAt  uint64
	cancelAt  uint64
	hasCredit bool
	refuse    bool // a CREDIT of nothing is due
	refused   bool // there was one, and no block came since
	lent      int  // bytes of inbound blocks that the worker has
	cancels   int
	file      *file // a RESPONSE_FILE that is not done
	fileDone  uint16
	lost      bool // taken back by us: the worker owes nothing
	upgrade   bool // 101 may be answered
	ended     bool
	released  bool

	Answer Answer
}

// Answer is what the worker answered.
type Answer struct {
	Informs   []Head
	Continued bool
	Shut      bool // no more bytes follow
	Head
	Begun    bool
	Total    uint64
	Body     []byte
	Trailers []Field
	Events   int // RESPONSE and RESPONSE_BODY events
	Aborted  bool
	Abort    uint16
	Wants    []uint32
	Files    int // RESPONSE_FILE events
	Stops    int // FILE_STOP events
}

// Head is the head of an answer.
type Head struct {
	Status uint16
	Fields []Field
}

// Field is one field of a list.
type Field struct{ Name, Value string }

// Get is the first value of a field, by its canonical name.
func (h *Head) Get(name string) string {
	for _, f := range h.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// Start publishes a request; it waits for a slot, ring space and blocks.
func (gw *Gateway) Start(r Request) *Exchange {
	gw.mu.Lock()
	defer gw.unlock()
	for len(gw.free) == 0 && !gw.closed {
		gw.cond.Wait()
	}
	if gw.closed {
		return &Exchange{gw: gw, ended: true, lost: true}
	}
	slot := gw.free[len(gw.free)-1]
	gw.free = gw.free[:len(gw.free)-1]
	gw.next[slot]++
	ex := &Exchange{gw: gw, slot: slot, generation: gw.next[slot], window: gw.Window, upgrade: r.Upgrade}
	gw.slots[slot] = ex

	head := r.Encode()
	first := r.Body
	if len(head)+len(first) > gw.share() {
		first = first[:0]
	}
	e := ring.Event{Kind: ring.EventRequest, Exchange: slot, Generation: ex.generation, Credit: uint32(gw.Window), Total: ring.LengthUnknown}
	block := ex.fill(head, first)
	e.SetHead(ring.Ref{Block: uint32(block), Offset: uint32(block.Unit() * ring.Unit), Length: uint32(len(head))})
	e.SetBody(ring.NoRef)
	if len(first) > 0 {
		e.SetBody(ring.Ref{Block: uint32(block), Offset: e.HeadOffset + e.HeadLength, Length: uint32(len(first))})
	}
	rest := r.Body[len(first):]
	if !r.Stream && len(rest) == 0 && len(r.Trailers) == 0 {
		e.Flags |= ring.FlagEnd
	}
	gw.Lane.Queue(slot, ex.generation)
	gw.publish(&e)
	if !r.Stream && (len(rest) > 0 || len(r.Trailers) > 0) {
		for len(rest) > 0 {
			n := min(len(rest), gw.share()/2)
			ex.body(rest[:n], len(rest) == n && len(r.Trailers) == 0, nil)
			rest = rest[n:]
		}
		if len(r.Trailers) > 0 {
			ex.body(nil, true, r.Trailers)
		}
	}
	return ex
}

// share is what one exchange may have lent at a time, so that requests which wait in the worker leave room for others.
func (gw *Gateway) share() int {
	g := gw.Lane.Geometry
	return min(ring.MaxBlock, ring.Unit<<(ring.OrderFor(g.ArenaSize()/g.ExchangeSlots+1)-1))
}

// fill allocates an inbound block for the pieces, waiting for one. A request is always let in, its body is bounded.
func (ex *Exchange) fill(pieces ...[]byte) ring.Handle {
	gw := ex.gw
	n := 0
	for _, p := range pieces {
		n += len(p)
	}
	size := ring.Unit << ring.OrderFor(n)
	for {
		if ex.lent == 0 || ex.lent+size <= gw.share() || ex.released || gw.closed {
			if h, ok := gw.Lane.Blocks.Alloc(ring.OrderFor(n)); ok {
				ex.lent += size
				gw.holders[h.Unit()] = ex
				at := gw.Lane.InArena[h.Unit()*ring.Unit:]
				for _, p := range pieces {
					at = at[copy(at, p):]
				}
				return h
			}
		}
		gw.wait()
	}
}

// wait lets the loop run while we lack something.
func (gw *Gateway) wait() {
	if gw.Lane.SignalDue() {
		gw.socket.Signal()
	}
	if gw.closed {
		return
	}
	gw.cond.Wait()
}

// publish waits for ring space (3.2).
func (gw *Gateway) publish(e *ring.Event) {
	reserve := 0
	if e.Kind == ring.EventRequest || e.Kind == ring.EventBody {
		reserve = 3 * gw.Lane.Geometry.ExchangeSlots
	}
	for gw.Lane.Room() <= reserve && !gw.closed {
		gw.wait()
	}
	if gw.closed {
		return
	}
	if !gw.Lane.Publish(e) {
		gw.fail("inbound ring full for a %d event", e.Kind)
	}
}

// Send publishes more of the request's body.
func (ex *Exchange) Send(p []byte) {
	ex.gw.mu.Lock()
	defer ex.gw.unlock()
	for len(p) > 0 {
		n := min(len(p), ex.gw.share()/2)
		for n > ring.Unit && !ex.gw.Lane.Blocks.Has(ring.OrderFor(n)) {
			n /= 2 // any free memory will do: those who hold the rest may wait for us
		}
		ex.body(p[:n], false, nil)
		p = p[n:]
	}
}

// End publishes the end of the request's body.
func (ex *Exchange) End(trailers ...string) {
	ex.gw.mu.Lock()
	defer ex.gw.unlock()
	ex.body(nil, true, trailers)
}

func (ex *Exchange) body(p []byte, end bool, trailers []string) {
	if ex.released || ex.cancels > 0 {
		return
	}
	e := ring.Event{Kind: ring.EventBody, Exchange: ex.slot, Generation: ex.generation}
	e.SetHead(ring.NoRef)
	e.SetBody(ring.NoRef)
	if len(p) > 0 {
		h := ex.fill(p)
		e.SetBody(ring.Ref{Block: uint32(h), Offset: uint32(h.Unit() * ring.Unit), Length: uint32(len(p))})
	}
	if end {
		e.Flags |= ring.FlagEnd
	}
	if len(trailers) > 0 {
		var list []byte
		for i := 0; i+1 < len(trailers); i += 2 {
			list = ring.AppendField(list, ring.LookupName(trailers[i]), trailers[i], trailers[i+1])
		}
		h := ex.fill(list)
		e.SetHead(ring.Ref{Block: uint32(h), Offset: uint32(h.Unit() * ring.Unit), Length: uint32(len(list))})
		e.Flags |= ring.FlagTrailers
	}
	if ex.released || ex.cancels > 0 { // it ended while we waited for blocks
		for _, r := range []ring.Ref{e.Head(), e.Body()} {
			if !r.None() {
				ex.lent -= ring.Handle(r.Block).Size()
				_ = ex.gw.Lane.Blocks.Free(ring.Handle(r.Block))
			}
		}
		return
	}
	ex.gw.publish(&e)
}

// Cancel takes the request back or tells the worker that it is cancelled; it reports whether it was taken back.
func (ex *Exchange) Cancel(reason uint16) bool {
	ex.gw.mu.Lock()
	defer ex.gw.unlock()
	if ex.ended || ex.cancels > 0 {
		return ex.lost
	}
	if reason != ring.CancelHalfClosed && ex.gw.Lane.TakeBack(ex.slot, ex.generation) {
		ex.lost = true
	}
	ex.cancels++
	ex.cancelAt = ex.gw.Lane.Published()
	e := ring.Event{Kind: ring.EventCancel, Exchange: ex.slot, Generation: ex.generation, Status: reason}
	e.SetHead(ring.NoRef)
	e.SetBody(ring.NoRef)
	ex.gw.publish(&e)
	return ex.lost
}

// Credit adds to the window beyond what came back.
func (ex *Exchange) Credit(n int) {
	ex.gw.mu.Lock()
	defer ex.gw.unlock()
	ex.owed += n
	ex.payCredit()
}

func (ex *Exchange) creditFree() bool {
	return !ex.released && (!ex.hasCredit || ex.gw.Lane.Consumed(ex.creditAt))
}

// payCredit publishes owed credit; at most one CREDIT of a slot is unconsumed (L5).
func (ex *Exchange) payCredit() {
	if ex.owed == 0 && !ex.refuse || ex.ended || !ex.creditFree() {
		return
	}
	ex.refuse = false
	e := ring.Event{Kind: ring.EventCredit, Exchange: ex.slot, Generation: ex.generation, Credit: uint32(ex.owed)}
	e.SetHead(ring.NoRef)
	e.SetBody(ring.NoRef)
	ex.window += ex.owed
	ex.owed, ex.hasCredit, ex.creditAt = 0, true, ex.gw.Lane.Published()
	ex.gw.publish(&e)
}

// ErrStuck is what Wait returns when no answer came in time.
var ErrStuck = errors.New("ringtest: no answer in time")

// Wait waits for the end of the answer.
func (ex *Exchange) Wait() (Answer, error) { return ex.WaitFor(func(*Answer) bool { return false }) }

// WaitFor waits until the answer so far is enough, or its end.
func (ex *Exchange) WaitFor(enough func(*Answer) bool) (Answer, error) {
	late := false
	timer := time.AfterFunc(20*time.Second, func() {
		ex.gw.mu.Lock()
		late = true
		ex.gw.cond.Broadcast()
		ex.gw.mu.Unlock()
	})
	defer timer.Stop()
	ex.gw.mu.Lock()
	defer ex.gw.unlock()
	for !ex.ended && !ex.lost && ex.gw.err == nil && !ex.gw.closed && !late && !enough(&ex.Answer) {
		ex.gw.cond.Wait()
	}
	switch {
	case ex.gw.err != nil:
		return ex.Answer, ex.gw.err
	case late:
		l := ex.gw.Lane
		return ex.Answer, fmt.Errorf("%w: slot %d generation %d, begun %v, %d bytes; window %d, owed %d, lent %d; inbound %d of %d units lent; ring empty %v",
			ErrStuck, ex.slot, ex.generation, ex.Answer.Begun, len(ex.Answer.Body), ex.window, ex.owed, ex.lent, l.Blocks.InUse(), l.Blocks.Units(),
			l.Room() == l.Geometry.RingSlots)
	}
	return ex.Answer, nil
}

// Ended reports whether the worker has sent the exchange's last event.
func (ex *Exchange) Ended() bool {
	ex.gw.mu.Lock()
	defer ex.gw.mu.Unlock()
	return ex.ended
}

// Do starts a request and waits for its answer.
func (gw *Gateway) Do(r Request) (Answer, error) { return gw.Start(r).Wait() }

// Cancelled reports whether Cancel was called before the exchange had ended.
func (ex *Exchange) Cancelled() bool {
	ex.gw.mu.Lock()
	defer ex.gw.mu.Unlock()
	return ex.cancels > 0
}
