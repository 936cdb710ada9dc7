package envmap

// OnSendingHeaders registers a callback that runs when the head is about to be sealed: at the first body write, or after
// the App has returned if it never writes. It may still change status, reason and fields, and must not write. Callbacks
// run once, in reverse order of registration, so that the outermost middleware has the last word; all of them run, also
// those that others register meanwhile, and also if one panics, which makes the response a 500. They also run, seeing
// status 500, when the App fails before its first write, though the 500 stays as the server makes it. While they run,
// response calls give ErrSending. Errors: ErrEnded, ErrSealed.
func (e Env) OnSendingHeaders(callback func()) error {
	s, err := e.ResponseHeaders().lockToWrite()
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if callback != nil {
		s.sending = append(s.sending, callback)
	}
	return nil
}

// announce runs the callbacks, with no lock held; those that are left, if the App has returned while a goroutine that it
// left behind runs them.
func (s *state) announce(gen uint64, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.announcing && !last {
		return
	}
	s.announcing = true
	for s.gen == gen && len(s.sending) > 0 {
		last := len(s.sending) - 1
		callback := s.sending[last]
		s.sending[last] = nil
		s.sending = s.sending[:last]
		s.mu.Unlock()
		err := guarded(callback)
		s.mu.Lock()
		if err != nil && s.gen == gen && s.sendingErr == nil {
			s.sendingErr = err
		}
	}
	if s.gen == gen {
		s.announcing = false
	}
}

// guarded returns what the callback panicked with.
func guarded(callback func()) (err error) {
	result := errGoexit
	defer func() {
		if v := recover(); v != nil {
			result = panicked(v)
		}
		err = result
	}()
	callback()
	result = nil
	return nil
}

// announceLast runs the callbacks of an App that has returned err without a write.
func (s *state) announceLast(err error) {
	s.mu.Lock()
	if s.response.sealed() || len(s.sending) == 0 {
		s.mu.Unlock()
		return
	}
	if err != nil {
		s.set.remove(kStatus)
		s.gone.remove(kStatus)
		s.values[kStatus] = nil
		s.response.status = 500
	}
	gen := s.gen
	s.mu.Unlock()
	s.announce(gen, true)
}
