package envmap

import "errors"

const failureText = "Internal Server Error\n"

var failureBody = []byte(failureText)

// finish ends the exchange after its App returned err, and makes the state ready for another one.
func (s *state) finish(err error) error {
	s.announceLast(err)
	s.write.Lock() // a write of another goroutine that is running comes first
	if s.response.reserved == reservedExchange {
		_ = s.commit(0) // its failure is recorded
	}
	if err == nil {
		err = s.sealLast()
	}
	if err == nil {
		err = s.response.failure
	}
	s.end() // from here on no handle reaches the block or the exchange
	if err == nil {
		err = s.complete()
	}
	if err != nil {
		err = s.giveUp(err)
	}
	s.write.Unlock()
	s.reads.Wait()
	s.clean()
	return err
}

// sealLast seals the head of an App that has written nothing.
func (s *state) sealLast() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.response.phase != phaseOpen {
		return nil
	}
	return s.sealFor(true)
}

// complete sends what is left of a response that went well.
func (s *state) complete() error {
	r := &s.response
	if r.declared > r.written && !r.isHead && !r.bodyless() {
		return ErrShortBody
	}
	switch {
	case r.phase == phaseBegun:
		return s.ex.Finish()
	case s.upgrading():
		return s.switchProtocols()
	}
	switch {
	case r.bodyless() || r.declared >= 0:
	case !r.isHead:
		r.head.Length = int64(len(r.body))
	case r.written > 0:
		r.head.Length = r.written
	}
	return s.ex.Send(&r.head, r.body)
}

// giveUp ends the exchange badly: with a 500 as long as the application has written nothing.
func (s *state) giveUp(cause error) error {
	r := &s.response
	if errors.Is(cause, ErrAbort) || !r.untouched() && !s.upgrading() {
		s.ex.Abort(cause)
		return cause
	}
	clear(r.head.Fields)
	r.head.Fields = append(r.head.Fields[:0], Field{"Content-Type", "text/plain; charset=utf-8"})
	r.head.Status, r.head.Reason, r.head.Length = 500, "", int64(len(failureBody))
	r.head.Cancel = cause
	body := failureBody
	if r.isHead {
		body = nil
	}
	if err := s.ex.Send(&r.head, body); err != nil {
		s.ex.Abort(err)
		return errors.Join(cause, err)
	}
	return cause
}

// untouched says whether the application has written nothing, so that another response can still be given.
func (r *response) untouched() bool {
	return r.phase == phaseOpen || r.phase == phaseRejected
}
