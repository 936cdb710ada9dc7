package bridge

import (
	"net/http"

	"ringway/ring"
)

// sniffedSize is what a sniffed Content-Type can add to a field list.
const sniffedSize = 96

// ref refers to the first n bytes of a block.
func ref(h ring.Handle, n int) ring.Ref {
	return ring.Ref{Block: uint32(h), Offset: uint32(h.Unit() * ring.Unit), Length: uint32(n)}
}

// typed adds the Content-Type that the first bytes of the body tell.
func (s *sender) typed(first []byte) {
	if s.sniff && len(first) > 0 {
		s.head = ring.AppendField(s.head, ring.NameContentType, "", http.DetectContentType(first))
	}
	s.sniff = false
}

// publishHead begins the response without body bytes; first is where its content type can be told from. The lane is
// locked.
func (s *sender) publishHead(first []byte, flags uint8) error {
	if first == nil {
		first = s.small
	}
	s.typed(first)
	e := s.event(ring.EventResponse, flags)
	e.Status, e.Total = s.status, s.total
	if len(s.head) > ring.MaxBlock {
		return errHeadTooLarge
	}
	if len(s.head) > 0 {
		h, err := s.acquire(len(s.head), len(s.head))
		if err != nil {
			return err
		}
		e.SetHead(ref(h, copy(s.ex.lane.ring.Block(h), s.head)))
	}
	return s.publishResponse(&e)
}

// publishResponse publishes an event of the response itself. The lane is locked; blocks of the event are the
// gateway's afterwards, or released.
func (s *sender) publishResponse(e *ring.Event) error {
	if err := s.publish(e); err != nil {
		if e.HeadBlock != ring.NoBlock {
			s.ex.lane.release(ring.Handle(e.HeadBlock))
		}
		if e.BodyBlock != ring.NoBlock && e.BodyBlock != e.HeadBlock {
			s.ex.lane.release(ring.Handle(e.BodyBlock))
		}
		return err
	}
	s.begun = true
	s.ex.body.asked = true
	if e.Flags&ring.FlagEnd != 0 {
		s.over()
	}
	return nil
}

// over ends the exchange after its last event (L4). The lane is locked.
func (s *sender) over() {
	if s.ended {
		return
	}
	s.ended = true
	l := s.ex.lane
	l.buffers = append(l.buffers, s.mem)
	s.mem, s.small, s.head = nil, nil, nil
	if s.ex.runs(s.generation) {
		s.ex.leave()
	}
}

// publishBlock publishes the block in hand, with the head if the response has not begun.
func (s *sender) publishBlock(flags uint8) error {
	l := s.ex.lane
	mem := l.ring.Block(s.block)
	if !s.begun {
		s.typed(mem[:s.used])
	}
	l.lock()
	defer l.unlock()
	return s.publishBlockLocked(mem, flags)
}

func (s *sender) publishBlockLocked(mem []byte, flags uint8) error {
	l := s.ex.lane
	if err := s.writable(); err != nil {
		s.dropBlocks()
		return err
	}
	kind := ring.EventResponseBody
	if !s.begun {
		kind = ring.EventResponse
	}
	e := s.event(kind, flags)
	if !s.begun {
		e.Status, e.Total = s.status, s.total
		if flags&ring.FlagEnd != 0 && s.total == ring.LengthUnknown {
			e.Total = uint64(s.used)
		}
		if len(s.head) > 0 {
			e.SetHead(ref(s.headBlock, copy(l.ring.Block(s.headBlock), s.head)))
			s.hasHead = false
		}
		s.dropHead()
	}
	e.SetBody(ref(s.block, s.used))
	s.hasBlock, s.used = false, 0
	return s.publishResponse(&e)
}

// publishSmall publishes what was collected: as the whole or the beginning of the response with the head in the same
// block, or as more of the body.
func (s *sender) publishSmall(flags uint8) error {
	if !s.begun {
		s.typed(s.small)
	}
	s.ex.lane.lock()
	defer s.ex.lane.unlock()
	return s.publishSmallLocked(flags)
}

func (s *sender) publishSmallLocked(flags uint8) error {
	l := s.ex.lane
	if err := s.writable(); err != nil {
		return err
	}
	if !s.begun {
		if flags&ring.FlagEnd != 0 && s.total == ring.LengthUnknown && !s.bare {
			s.total = uint64(len(s.small))
		}
		size := len(s.head) + len(s.small)
		if size == 0 || size > ring.MaxBlock || ring.Unit<<ring.OrderFor(size) > s.ex.window {
			// Head and body do not fit into one block of the window.
			last := flags
			if len(s.small) > 0 {
				last = 0
			}
			if err := s.publishHead(nil, last); err != nil || last == flags {
				return err
			}
			return s.publishRest(flags)
		}
		h, err := s.acquire(size, size)
		if err != nil {
			return err
		}
		mem := l.ring.Block(h)
		n := copy(mem, s.head)
		m := copy(mem[n:], s.small)
		e := s.event(ring.EventResponse, flags)
		e.Status, e.Total = s.status, s.total
		if n > 0 {
			e.SetHead(ref(h, n))
		}
		if m > 0 {
			body := ref(h, m)
			body.Offset += uint32(n)
			e.SetBody(body)
		}
		s.small = s.small[:0]
		return s.publishResponse(&e)
	}
	return s.publishRest(flags)
}

// publishRest publishes what was collected as more of the body. The lane is locked.
func (s *sender) publishRest(flags uint8) error {
	for {
		e := s.event(ring.EventResponseBody, flags)
		if len(s.small) > 0 {
			h, err := s.acquire(len(s.small), 1)
			if err != nil {
				return err
			}
			n := copy(s.ex.lane.ring.Block(h), s.small)
			s.small = s.small[:copy(s.small, s.small[n:])]
			e.SetBody(ref(h, n))
			if len(s.small) > 0 {
				e.Flags = 0
			}
		}
		if err := s.publishResponse(&e); err != nil || s.ended || len(s.small) == 0 {
			return err
		}
	}
}
