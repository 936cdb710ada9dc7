package envmap

import "io"

// reservation says whose memory Reserve gave out.
type reservation uint8

const (
	reservedNone     reservation = iota
	reservedHeld                 // the rest of the bytes held back
	reservedExchange             // the exchange's
	reservedSpare                // memory of its own, for a body that is counted only or goes through an assigned writer
)

// spareMost bounds memory of the last kind.
const spareMost = 32 << 10

// Reserve returns at least one and at most n bytes to write the next part of the body into, so that it need not be
// copied; Commit must follow before any other response call. The bytes are borrowed until Commit. Errors as Write.
func (e Env) Reserve(n int) ([]byte, error) {
	if n <= 0 {
		return nil, errNegativeLength
	}
	if e.sink() != nil {
		return e.reserveForSink(n)
	}
	s, err := e.open()
	if err != nil {
		return nil, err
	}
	defer s.write.Unlock()
	r := &s.response
	if err := r.check(min(n, 1)); err != nil {
		return nil, err
	}
	n = r.room(n)
	switch {
	case r.isHead:
		r.spare = make([]byte, min(n, spareMost))
		r.reserved = reservedSpare
	case r.phase == phaseHeld && r.declared <= bodyHeld && len(r.body) < bodyHeld:
		if r.body == nil {
			r.body = make([]byte, 0, bodyHeld)
		}
		r.spare = r.body[len(r.body):min(len(r.body)+n, bodyHeld)]
		r.reserved = reservedHeld
	default:
		if err := s.release(); err != nil {
			return nil, err
		}
		b, err := s.ex.Reserve(n)
		if err != nil {
			s.fail(err)
			return nil, err
		}
		r.spare = b
		r.reserved = reservedExchange
	}
	return r.spare, nil
}

// Commit makes the first n bytes of those reserved part of the body; 0 gives them all back.
func (e Env) Commit(n int) error {
	if sink := e.sink(); sink != nil {
		return e.commitToSink(sink, n)
	}
	s, err := e.open()
	if err != nil {
		return err
	}
	defer s.write.Unlock()
	return s.commit(n)
}

// lockWrite takes state.write without sealing the head: an assigned writer may want to change it yet.
func (e Env) lockWrite() (*state, error) {
	s := e.s
	if s == nil {
		return nil, ErrEnded
	}
	s.write.Lock()
	s.mu.Lock()
	ended, err := s.gen != e.gen, s.response.failure
	s.mu.Unlock()
	if ended {
		err = ErrEnded
	}
	if err != nil {
		s.write.Unlock()
		return nil, err
	}
	return s, nil
}

func (e Env) reserveForSink(n int) ([]byte, error) {
	s, err := e.lockWrite()
	if err != nil {
		return nil, err
	}
	defer s.write.Unlock()
	r := &s.response
	if r.reserved != reservedNone {
		return nil, ErrReserved
	}
	r.spare, r.reserved = make([]byte, min(n, spareMost)), reservedSpare
	return r.spare, nil
}

func (e Env) commitToSink(sink io.Writer, n int) error {
	s, err := e.lockWrite()
	if err != nil {
		return err
	}
	r := &s.response
	if r.reserved != reservedSpare || n < 0 || n > len(r.spare) {
		defer s.write.Unlock()
		return s.commit(n)
	}
	p := r.spare[:n]
	r.spare, r.reserved = nil, reservedNone
	s.write.Unlock() // the assigned writer comes back to this Env
	if n == 0 {
		return nil
	}
	_, err = sink.Write(p)
	return err
}

func (s *state) commit(n int) error {
	r := &s.response
	if r.reserved == reservedNone {
		return ErrReserved
	}
	if n < 0 || n > len(r.spare) {
		return errNegativeLength
	}
	kind := r.reserved
	r.spare, r.reserved = nil, reservedNone
	r.written += int64(n)
	switch kind {
	case reservedHeld:
		r.body = r.body[:len(r.body)+n]
	case reservedExchange:
		if err := s.ex.Commit(n); err != nil {
			s.fail(err)
			return err
		}
	}
	return nil
}

// readStep is how much ReadFrom asks for at a time.
const readStep = 64 << 10

// ReadFrom writes what r gives, straight into response memory where it can; io.Copy uses it. It returns the bytes read
// and the first error, that of r unless it is io.EOF.
func (e Env) ReadFrom(r io.Reader) (int64, error) {
	var total int64
	for {
		b, err := e.Reserve(readStep)
		if err == ErrContentLength {
			return total, e.expectEnd(r)
		}
		if err != nil {
			return total, err
		}
		n, readErr := r.Read(b)
		total += int64(n)
		if err := e.Commit(n); err != nil {
			return total, err
		}
		if readErr == io.EOF {
			return total, nil
		}
		if readErr != nil {
			return total, readErr
		}
	}
}

// expectEnd reads past a body of the declared length: what r still has is too much.
func (e Env) expectEnd(r io.Reader) error {
	var one [1]byte
	for {
		n, err := r.Read(one[:])
		switch {
		case n > 0:
			return ErrContentLength
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}
