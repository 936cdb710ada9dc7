package envmap

// SetStatus chooses the response status, 200 if it is never called. Values outside 200..999 make a 500 when the response
// is sealed. Errors: ErrEnded, ErrSealed.
func (e Env) SetStatus(status int) error {
	s, err := e.ResponseHeaders().lockToWrite()
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.set.has(kStatus) {
		s.values[kStatus] = nil
		s.set.remove(kStatus)
	}
	s.gone.remove(kStatus)
	s.response.status = status
	return nil
}

// SetHeader makes value the only one of a response field. Names and values that no field line can carry make a 500 when
// the response is sealed. Errors: ErrEnded, ErrSealed.
func (e Env) SetHeader(name, value string) error {
	s, err := e.ResponseHeaders().lockToWrite()
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.gone.remove(kResponseHeaders)
	f := &s.response.fields
	if f.assigned != nil {
		f.assign(s, name, []string{value})
	} else {
		f.setOne(name, value)
	}
	return nil
}

// AddHeader adds one more line of a response field. Errors as SetHeader.
func (e Env) AddHeader(name, value string) error { return e.ResponseHeaders().Append(name, value) }
