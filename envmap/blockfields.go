package envmap

import "iter"

// The fields of the request block as the dictionary shows them: as they were received, except that there is always one
// Host (RFC 9112, 3.2.2): that of an absolute-form target, else the one received, else the local address.

// blockField returns the first value of a name, borrowed.
func (s *state) blockField(name string) ([]byte, bool) {
	s.decodes++
	if equalFold(name, "host") {
		return s.host()
	}
	return s.block.find(name)
}

// blockHas says whether a name is present, without touching its value.
func (s *state) blockHas(name string) bool {
	if equalFold(name, "host") {
		return len(s.block.Authority()) > 0 || s.block.Local().IsValid()
	}
	_, ok := s.block.find(name)
	return ok
}

// blockValues returns a copy of all values of a name.
func (s *state) blockValues(name string) []string {
	var values []string
	for n, v := range s.blockFields() {
		if equalFold(n, name) {
			s.decodes++
			values = append(values, string(v))
		}
	}
	return values
}

// blockFields visits all fields, borrowed.
func (s *state) blockFields() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		host, ok := s.host()
		seen := !ok // where there is none, none is shown
		for i := range s.block.FieldCount() {
			_, name, value := s.block.Field(i)
			if equalFold(name, "host") {
				if seen {
					continue
				}
				seen, value = true, host
			}
			if !yield(name, value) {
				return
			}
		}
		if !seen {
			yield(hostName, host)
		}
	}
}

var hostName = []byte("Host")

func (s *state) host() ([]byte, bool) {
	if a := s.block.Authority(); len(a) > 0 {
		return a, true
	}
	if local := s.block.Local(); local.IsValid() {
		from := len(s.scratch)
		s.scratch = local.AppendTo(s.scratch)
		return s.scratch[from:len(s.scratch):len(s.scratch)], true
	}
	return nil, false
}

// fieldView returns the first value of a request field, borrowed.
func (s *state) fieldView(name string) []byte {
	if s.request.lazy {
		v, _ := s.blockField(name)
		return v
	}
	if v, ok := s.request.first(s, name); ok {
		return s.hold(v)
	}
	return nil
}
