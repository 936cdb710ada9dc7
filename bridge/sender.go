package bridge

import (
	"errors"
	"net"
	"os"

	"ringway/ring"
)

// ErrEnded is returned by calls on a request whose handler has returned.
var ErrEnded = errors.New("bridge: the handler has returned")

// smallBody is how much of a response is collected before a block is taken, so that small responses leave as one event
// with head and body in one block.
const smallBody = 4096

// buffer is memory to collect small writes in.
type buffer struct {
	head [1024]byte
	body [smallBody]byte
}

// sender turns one response into outbound events, under the exchange's window. One goroutine at a time uses it; fields
// are its own, except where lane.mu is needed to reach the ring.
//
// Body bytes go through it in order: first the block in hand (taken, not yet published), else the small buffer. Both
// are never filled at once.
type sender struct {
	ex         *exchange
	generation uint32
	startedNs  uint64 // when the handler started, see exchange.startedNs

	head   []byte // field list of the response
	status uint16
	total  uint64 // declared length, or ring.LengthUnknown
	begun  bool   // RESPONSE was published
	ended  bool   // the last event was published, or never will be
	sniff  bool   // add a Content-Type when the first bytes are known
	bare   bool   // the answer has no body, whatever its length is said to be (HEAD, 204, 304)

	small []byte // collected; at most smallBody
	mem   *buffer

	hasBlock  bool // in hand
	block     ring.Handle
	used      int         // bytes of it
	headBlock ring.Handle // for the head of a response that begins with the block in hand
	hasHead   bool
}

// begin readies the sender for a request. Precondition: the lane is locked.
func (s *sender) begin() {
	l := s.ex.lane
	var mem *buffer
	if n := len(l.buffers); n > 0 {
		mem = l.buffers[n-1]
		l.buffers = l.buffers[:n-1]
	} else {
		mem = new(buffer)
	}
	*s = sender{ex: s.ex, generation: s.ex.generation, startedNs: s.ex.startedNs, mem: mem, head: mem.head[:0], small: mem.body[:0], total: ring.LengthUnknown}
}

// send adds to the body.
func send[T string | []byte](s *sender, p T) error {
	if !s.hasBlock && len(s.small)+len(p) <= smallBody {
		if s.ended {
			return ErrEnded
		}
		s.small = append(s.small, p...)
		return nil
	}
	if s.sniff && !s.begun {
		var first [512]byte
		n := copy(first[:], s.small)
		n += copy(first[n:], p)
		s.typed(first[:n])
	}
	for len(p) > 0 {
		room, err := s.room(len(p))
		if err != nil {
			return err
		}
		n := copy(room, p)
		s.used += n
		p = p[n:]
	}
	return nil
}

// room gives free bytes of the block in hand, and takes one for about n more bytes if there are none.
func (s *sender) room(n int) ([]byte, error) {
	if s.ended {
		return nil, ErrEnded
	}
	l := s.ex.lane
	if s.hasBlock {
		if s.used < s.block.Size() {
			return l.ring.Block(s.block)[s.used:], nil
		}
		if err := s.publishBlock(0); err != nil {
			return nil, err
		}
	}
	if err := s.takeBlock(min(len(s.small)+n, ring.MaxBlock)); err != nil {
		return nil, err
	}
	if len(s.small) > 0 {
		// What was collected comes first. It can be more than a block that was all the window had.
		n := copy(l.ring.Block(s.block), s.small)
		s.used = n
		s.small = s.small[:copy(s.small, s.small[n:])]
		if s.used == s.block.Size() {
			return s.room(max(1, min(len(s.small), ring.MaxBlock)))
		}
	}
	return l.ring.Block(s.block)[s.used:], nil
}

// takeBlock takes a block for about want bytes into hand; a response that has not begun keeps another one for its head,
// or begins now, if the window has no room for both.
func (s *sender) takeBlock(want int) error {
	l := s.ex.lane
	l.lock()
	defer l.unlock()
	if !s.begun {
		if err := s.writable(); err != nil {
			return err
		}
		if s.takeBoth(want) {
			return nil
		}
		if err := s.publishHead(nil, 0); err != nil {
			return err
		}
	}
	h, err := s.acquire(want, 1)
	if err != nil {
		return err
	}
	s.block, s.hasBlock, s.used = h, true, 0
	return nil
}

// takeBoth takes a block for the head and one of at least half of want bytes, if that needs no waiting. The lane is locked.
func (s *sender) takeBoth(want int) bool {
	ex, l := s.ex, s.ex.lane
	headOrder, order := ring.OrderFor(len(s.head)+sniffedSize), ring.OrderFor(want)
	for i := 0; ring.Unit<<headOrder+ring.Unit<<order > ex.window; i++ {
		if i == 1 || order == 0 {
			return false
		}
		order--
	}
	head, ok := l.alloc(headOrder)
	if !ok {
		return false
	}
	body, ok := l.alloc(order)
	if !ok {
		l.release(head)
		return false
	}
	s.headBlock, s.hasHead = head, true
	s.block, s.hasBlock, s.used = body, true, 0
	ex.window -= head.Size() + body.Size()
	return true
}

// writable says why nothing can be published any more. The lane is locked.
func (s *sender) writable() error {
	ex := s.ex
	switch {
	case s.ended || !ex.runs(s.generation):
		return ErrEnded
	case ex.closed:
		return net.ErrClosed
	case ex.cancelled != nil:
		return ex.cancelled
	case ex.lane.closed:
		return ErrGatewayGone
	case passed(ex.deadlines.write):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// acquire takes a block that holds want bytes if window and arena have it, at least one that holds least; it waits
// until then. The lane is locked, and nothing is in hand, so that everything used of the window can come back.
func (s *sender) acquire(want, least int) (ring.Handle, error) {
	ex, l := s.ex, s.ex.lane
	order, lowest := ring.OrderFor(want), ring.OrderFor(least)
	patient := false
	for {
		if err := s.writable(); err != nil {
			ex.unstarve()
			return 0, err
		}
		fits := order
		for fits > lowest && ring.Unit<<fits > ex.window {
			fits--
		}
		enough := ring.Unit<<fits <= ex.window
		if enough && fits < order && !patient {
			// Smaller blocks cost more events: take them only if they are not much smaller, or if waiting did not help.
			enough = fits >= order-1
		}
		if enough {
			for o := fits; ; o-- {
				if h, ok := l.alloc(o); ok {
					ex.window -= h.Size()
					ex.unstarve()
					return h, nil
				}
				if o == lowest {
					break
				}
			}
			ex.awaitBlocks()
			continue
		}
		if !ex.wanting {
			e := s.event(ring.EventWant, 0)
			e.Credit = uint32(ring.Unit << order)
			ex.wanting = true
			if err := s.publish(&e); err != nil {
				return 0, err
			}
			continue // publishing may have let go of the lane
		}
		credit := ex.window
		ex.await()
		patient = patient || ex.window != credit || !ex.wanting // a CREDIT of nothing says that there is no more for now
	}
}

// event makes an outbound event without references.
func (s *sender) event(kind, flags uint8) ring.Event {
	return ring.Event{
		Kind: kind, Flags: flags, Exchange: s.ex.slot, Generation: s.generation,
		HeadBlock: ring.NoBlock, BodyBlock: ring.NoBlock, Total: ring.LengthUnknown,
		TimeNs: s.startedNs,
	}
}

// publish waits for room in the ring. The lane is locked.
func (s *sender) publish(e *ring.Event) error {
	ex, l := s.ex, s.ex.lane
	for !l.ring.Publish(e) {
		if err := l.ring.Fault(); err != nil {
			l.att.fail(err)
			return ErrGatewayGone
		}
		if l.closed || !ex.runs(s.generation) {
			ex.unstarve()
			return ErrGatewayGone
		}
		ex.awaitRoom()
	}
	ex.unstarve()
	return nil
}

// dropBlocks gives up what is in hand. The lane is locked.
func (s *sender) dropBlocks() {
	s.dropHead()
	if s.hasBlock {
		s.ex.lane.release(s.block)
		s.ex.window += s.block.Size()
		s.hasBlock = false
	}
}

func (s *sender) dropHead() {
	if s.hasHead {
		s.ex.lane.release(s.headBlock)
		s.ex.window += s.headBlock.Size()
		s.hasHead = false
	}
}
