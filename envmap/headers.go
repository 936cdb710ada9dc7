package envmap

import "iter"

// Headers is a dictionary of field names and their values, of the request or of the response. Names match in any case.
// Each field line is one value: lists are neither split at commas nor merged.
//
// Slices that it returns are copies: a change persists only by Set. The zero Headers is empty and fails like that of an
// Env which has ended. A Headers is valid as long as its Env; writes to sealed response fields give ErrSealed.
type Headers struct {
	env Env
	key known // kRequestHeaders or kResponseHeaders
}

func (h Headers) lock() *state {
	return h.env.lock()
}

// lockToWrite is lock for a change.
func (h Headers) lockToWrite() (*state, error) {
	s := h.lock()
	switch {
	case s == nil:
		return nil, ErrEnded
	case h.key == kResponseHeaders && s.response.sealed():
		s.mu.Unlock()
		return nil, ErrSealed
	}
	return s, nil
}

// Get returns the first value of a name, "" if there is none.
func (h Headers) Get(name string) string {
	s := h.lock()
	if s == nil {
		return ""
	}
	defer s.mu.Unlock()
	v, _ := s.store(h.key).first(s, name)
	return v
}

// Values returns a copy of the values of a name, nil if there are none.
func (h Headers) Values(name string) []string {
	s := h.lock()
	if s == nil {
		return nil
	}
	defer s.mu.Unlock()
	return s.store(h.key).all(s, name)
}

// Has says whether a name is present.
func (h Headers) Has(name string) bool {
	s := h.lock()
	if s == nil {
		return false
	}
	defer s.mu.Unlock()
	return s.store(h.key).has(s, name)
}

// Set makes values, copied, all that a name has; without values it removes the name.
func (h Headers) Set(name string, values ...string) error {
	s, err := h.lockToWrite()
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.gone.remove(h.key)
	s.store(h.key).assign(s, name, values)
	return nil
}

// Append adds one value to those of a name.
func (h Headers) Append(name, value string) error {
	s, err := h.lockToWrite()
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.gone.remove(h.key)
	s.store(h.key).add(s, name, value)
	return nil
}

// Add is Set for a name that must be absent; ErrKeyExists if it is present.
func (h Headers) Add(name string, values ...string) error {
	s, err := h.lockToWrite()
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.store(h.key).has(s, name) {
		return ErrKeyExists
	}
	s.gone.remove(h.key)
	s.store(h.key).assign(s, name, values)
	return nil
}

// Delete removes a name and says whether it was present.
func (h Headers) Delete(name string) bool {
	s, err := h.lockToWrite()
	if err != nil {
		return false
	}
	defer s.mu.Unlock()
	if !s.store(h.key).has(s, name) {
		return false
	}
	s.store(h.key).assign(s, name, nil)
	return true
}

// Clear removes all names.
func (h Headers) Clear() error {
	s, err := h.lockToWrite()
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.store(h.key).reset()
	return nil
}

// Len returns the number of names.
func (h Headers) Len() int { return len(h.snapshot()) }

// All visits each name once, as it was first written, with a copy of its values, in the order the names came in. It
// shows the fields as they were when the visit began.
func (h Headers) All() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		for _, g := range h.snapshot() {
			if !yield(g.name, g.values) {
				return
			}
		}
	}
}

// Map returns a copy as a map; names are as they were first written.
func (h Headers) Map() map[string][]string {
	groups := h.snapshot()
	m := make(map[string][]string, len(groups))
	for _, g := range groups {
		m[g.name] = g.values
	}
	return m
}

func (h Headers) snapshot() []fieldGroup {
	s := h.lock()
	if s == nil {
		return nil
	}
	defer s.mu.Unlock()
	return s.store(h.key).groups(s)
}
