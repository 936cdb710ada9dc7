package bridge

import (
	"errors"

	"ringway/ring"
)

var errHeadTooLarge = errors.New("bridge: the response head is larger than 64 KiB")

// flush publishes the head and everything collected.
func (s *sender) flush() error {
	if s.ended {
		return ErrEnded
	}
	if s.hasBlock {
		if err := s.putBlock(); err != nil {
			return err
		}
	}
	if s.begun && len(s.small) == 0 {
		return nil
	}
	return s.publishSmall(0)
}

// finish publishes the end of the response, with trailers if the field list is not empty. After success the exchange is
// over and its slot may be in use again: nothing here may be touched. After an error the caller aborts.
func (s *sender) finish(trailers []byte) error {
	if s.ended {
		return ErrEnded
	}
	if len(trailers) > 0 {
		if err := s.flush(); err != nil {
			return err
		}
		l := s.ex.lane
		l.lock()
		defer l.unlock()
		h, err := s.acquire(len(trailers), len(trailers))
		if err != nil {
			return err
		}
		e := s.event(ring.EventResponseBody, ring.FlagEnd|ring.FlagTrailers)
		e.SetHead(ref(h, copy(l.ring.Block(h), trailers)))
		return s.publishResponse(&e)
	}
	if s.hasBlock && s.used > 0 && len(s.small) == 0 {
		return s.publishBlock(ring.FlagEnd)
	}
	if s.hasBlock {
		if err := s.putBlock(); err != nil {
			return err
		}
	}
	return s.publishSmall(ring.FlagEnd)
}

// putBlock publishes the block in hand, or lets go of it if it is empty.
func (s *sender) putBlock() error {
	if s.used > 0 {
		return s.publishBlock(0)
	}
	s.ex.lane.lock()
	s.dropBlocks()
	s.ex.lane.unlock()
	return nil
}

// abort ends the exchange badly: the client gets status if the response has not begun, else a cut connection.
func (s *sender) abort(status uint16) {
	if s.ended {
		return
	}
	l := s.ex.lane
	l.lock()
	defer l.unlock()
	s.dropBlocks()
	// A lane that has ended has cancelled its handlers: that they gave up is no answer, should anybody still read it.
	if s.ex.runs(s.generation) && !l.closed {
		e := s.event(ring.EventAbort, 0)
		e.Status = status
		_ = s.publish(&e) // it fails only when the gateway is gone
	}
	s.over()
}

// informed publishes an interim response.
func (s *sender) informed(status uint16, list []byte) error {
	l := s.ex.lane
	l.lock()
	defer l.unlock()
	e := s.event(ring.EventInform, 0)
	e.Status = status
	if len(list) > ring.MaxBlock {
		return errHeadTooLarge
	}
	if len(list) > 0 {
		h, err := s.acquire(len(list), len(list))
		if err != nil {
			return err
		}
		e.SetHead(ref(h, copy(l.ring.Block(h), list)))
	}
	if err := s.publish(&e); err != nil {
		if e.HeadBlock != ring.NoBlock {
			l.release(ring.Handle(e.HeadBlock))
		}
		return err
	}
	return nil
}
