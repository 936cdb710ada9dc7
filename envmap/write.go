package envmap

import "io"

// open seals the head if need be, after the callbacks of OnSendingHeaders. On success state.write is held.
func (e Env) open() (*state, error) {
	s := e.s
	if s == nil {
		return nil, ErrEnded
	}
	for {
		s.write.Lock()
		s.mu.Lock()
		var err error
		first := false
		switch {
		case s.gen != e.gen:
			err = ErrEnded
		case s.response.phase != phaseOpen:
			err = s.response.failure
		case s.announcing:
			err = ErrSending
		case len(s.sending) > 0:
			first = true
		default:
			err = s.seal()
		}
		s.mu.Unlock()
		if err == nil && !first {
			return s, nil
		}
		s.write.Unlock()
		if err != nil {
			return nil, err
		}
		s.announce(e.gen, false)
	}
}

// Write adds to the response body, through the writer that was assigned to "owin.ResponseBody" if there is one. The first
// Write, also an empty one, seals status and fields. It blocks while the client takes nothing. A write to the answer of
// a HEAD request is counted only. Errors: ErrEnded, ErrContentLength, ErrBodyNotAllowed, ErrReserved, a ValueError for
// what cannot be sealed, or what the exchange failed with.
func (e Env) Write(p []byte) (int, error) {
	if w := e.sink(); w != nil {
		return w.Write(p)
	}
	return e.writeBody(p)
}

// WriteString is Write for a string.
func (e Env) WriteString(p string) (int, error) {
	if w := e.sink(); w != nil {
		return io.WriteString(w, p)
	}
	s, err := e.open()
	if err != nil {
		return 0, err
	}
	defer s.write.Unlock()
	if !s.fits(len(p)) {
		return s.writeBody([]byte(p))
	}
	return held(s, p)
}

// sink returns the writer that the application put in front of the response body, nil if there is none.
func (e Env) sink() io.Writer {
	s := e.lock()
	if s == nil {
		return nil
	}
	defer s.mu.Unlock()
	if !s.set.has(kResponseBody) {
		return nil
	}
	if w, ok := s.values[kResponseBody].(io.Writer); ok {
		return w
	}
	return wrongSink{s.values[kResponseBody]}
}

// wrongSink stands for a response body that is no io.Writer.
type wrongSink struct{ value any }

func (w wrongSink) Write([]byte) (int, error) {
	return 0, typeError(KeyResponseBody, w.value, "io.Writer")
}

func (e Env) writeBody(p []byte) (int, error) {
	s, err := e.open()
	if err != nil {
		return 0, err
	}
	defer s.write.Unlock()
	return s.writeBody(p)
}

// check says whether n more body bytes may be written.
func (r *response) check(n int) error {
	switch {
	case r.reserved != reservedNone:
		return ErrReserved
	case n > 0 && r.bodyless():
		return ErrBodyNotAllowed
	case r.room(n) < n:
		return ErrContentLength
	}
	return nil
}

// fits says whether n more body bytes can be held back.
func (s *state) fits(n int) bool {
	r := &s.response
	return r.phase == phaseHeld && !r.isHead && n <= bodyHeld-len(r.body)
}

// held adds p to the bytes held back. Precondition: fits.
func held[T text](s *state, p T) (int, error) {
	r := &s.response
	if err := r.check(len(p)); err != nil {
		return 0, err
	}
	if r.body == nil {
		r.body = make([]byte, 0, bodyHeld)
	}
	r.body = append(r.body, p...)
	r.written += int64(len(p))
	return len(p), nil
}

// writeBody adds p to the body. Precondition: opened.
func (s *state) writeBody(p []byte) (int, error) {
	if s.fits(len(p)) {
		return held(s, p)
	}
	r := &s.response
	if err := r.check(len(p)); err != nil {
		return 0, err
	}
	if r.isHead {
		r.written += int64(len(p))
		return len(p), nil
	}
	if err := s.release(); err != nil {
		return 0, err
	}
	n, err := s.ex.Write(p)
	r.written += int64(n)
	if err != nil {
		s.fail(err)
	}
	return n, err
}

// release gives the head and what was held back to the exchange. Precondition: opened.
func (s *state) release() error {
	r := &s.response
	if r.phase != phaseHeld || s.upgrading() {
		return nil
	}
	s.mu.Lock()
	r.move(phaseBegun, nil)
	s.mu.Unlock()
	err := s.ex.Begin(&r.head)
	if err == nil && len(r.body) > 0 {
		_, err = s.ex.Write(r.body)
	}
	r.body = r.body[:0]
	if err != nil {
		s.fail(err)
	}
	return err
}

// fail records that the exchange failed; every later response call reports it.
func (s *state) fail(err error) {
	s.mu.Lock()
	s.response.move(phaseBroken, err)
	s.mu.Unlock()
}

// Flush seals the head and sends it with all that was written so far. Errors as Write.
func (e Env) Flush() error {
	switch w := e.sink().(type) {
	case responseBody:
	case interface{ Flush() error }:
		if err := w.Flush(); err != nil {
			return err
		}
	case interface{ Flush() }:
		w.Flush()
	}
	return e.flushBody()
}

func (e Env) flushBody() error {
	s, err := e.open()
	if err != nil {
		return err
	}
	defer s.write.Unlock()
	if s.response.reserved != reservedNone {
		return ErrReserved
	}
	if s.upgrading() {
		return nil // the head is sent when the App has returned
	}
	if err := s.release(); err != nil {
		return err
	}
	if err := s.ex.Flush(); err != nil {
		s.fail(err)
		return err
	}
	return nil
}
