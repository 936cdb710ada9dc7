package envmap

import (
	"context"
	"iter"
	"net/http"
	"reflect"
	"strings"
)

// Get returns the value of a key and whether it is present. Keys are case-sensitive. A key of the request is decoded
// when it is first asked for.
func (e Env) Get(key string) (any, bool) {
	s := e.lock()
	if s == nil {
		return nil, false
	}
	defer s.mu.Unlock()
	return s.get(e, key)
}

// Has says whether a key is present, without decoding its value.
func (e Env) Has(key string) bool {
	s := e.lock()
	if s == nil {
		return false
	}
	defer s.mu.Unlock()
	return s.has(key)
}

// Set assigns a value to a key; nil removes the key, as does an empty string if the key is not one of OWIN's own. The type
// of a value that the response is made of is checked when the response is sealed, not here. Errors: ErrEnded, ErrSealed
// for status, reason and fields of a sealed response, or ErrReservedKey for a new key "owin.".
func (e Env) Set(key string, value any) error {
	value = e.adopt(key, value)
	s := e.lock()
	if s == nil {
		return ErrEnded
	}
	defer s.mu.Unlock()
	return s.put(e, key, value)
}

// Add is Set for a key that must be absent; ErrKeyExists if it is present.
func (e Env) Add(key string, value any) error {
	value = e.adopt(key, value)
	s := e.lock()
	if s == nil {
		return ErrEnded
	}
	defer s.mu.Unlock()
	if s.has(key) {
		return ErrKeyExists
	}
	return s.put(e, key, value)
}

// Delete removes a key and says whether it was present. The response of an Env without "owin.ResponseStatusCode" has
// status 200, one without "owin.ResponseHeaders" has no fields of the App's.
func (e Env) Delete(key string) bool {
	s := e.lock()
	if s == nil {
		return false
	}
	defer s.mu.Unlock()
	if !s.has(key) {
		return false
	}
	return s.put(e, key, nil) == nil
}

// DeletePair removes a key if its value equals the one given, and says whether it did. Values that Go cannot compare
// (maps, slices, functions) are equal if they are the same one.
func (e Env) DeletePair(key string, value any) bool {
	s := e.lock()
	if s == nil {
		return false
	}
	defer s.mu.Unlock()
	v, ok := s.get(e, key)
	if !ok || !same(v, value) {
		return false
	}
	return s.put(e, key, nil) == nil
}

// Len returns the number of keys present.
func (e Env) Len() int {
	s := e.lock()
	if s == nil {
		return 0
	}
	defer s.mu.Unlock()
	n := len(s.extra)
	for k := range knownCount {
		if s.present(k) {
			n++
		}
	}
	return n
}

// Clear removes every key.
func (e Env) Clear() {
	s := e.lock()
	if s == nil {
		return
	}
	defer s.mu.Unlock()
	for k := range knownCount {
		_ = s.putKnown(e, k, nil) // a sealed head keeps its keys
	}
	clear(s.extra)
	s.extra = s.extra[:0]
}

// Keys visits every key once, without decoding a value: those the Env knows in a fixed order, then the others in the
// order they came in. Keys that are not known and added during the visit are not seen; keys removed before their turn are left out.
func (e Env) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		extra := e.extraKeys()
		for _, key := range knownNames {
			if e.Has(key) && !yield(key) {
				return
			}
		}
		for _, key := range extra {
			if e.Has(key) && !yield(key) {
				return
			}
		}
	}
}

// All visits every key as Keys does, with its value.
func (e Env) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for key := range e.Keys() {
			if v, ok := e.Get(key); ok && !yield(key, v) {
				return
			}
		}
	}
}

func (e Env) extraKeys() []string {
	s := e.lock()
	if s == nil {
		return nil
	}
	defer s.mu.Unlock()
	keys := make([]string, len(s.extra))
	for i, p := range s.extra {
		keys[i] = p.key
	}
	return keys
}

// adopt replaces what cannot stay a dictionary of fields: another Env's or the other direction's Headers, which lives
// no longer than its Env or means other fields, becomes a copy; a nil map becomes one that can be written to. A nil of
// any other type is nil.
func (e Env) adopt(key string, value any) any {
	if key != KeyRequestHeaders && key != KeyResponseHeaders {
		return notNil(value)
	}
	switch v := value.(type) {
	case Headers:
		if k, _ := lookup(key); v.env != e || v.key != k {
			return v.Map()
		}
	case http.Header:
		if v == nil {
			return http.Header{}
		}
	case map[string][]string:
		if v == nil {
			return map[string][]string{}
		}
	}
	return value
}

// notNil replaces a nil of any type by nil: OWIN has no null values.
func notNil(value any) any {
	switch value.(type) {
	case nil, string, int, bool, context.Context:
		return value
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Chan, reflect.Func, reflect.Map, reflect.Pointer, reflect.Slice, reflect.UnsafePointer:
		if v.IsNil() {
			return nil
		}
	}
	return value
}

func (s *state) get(env Env, key string) (any, bool) {
	if k, ok := lookup(key); ok {
		if !s.present(k) {
			return nil, false
		}
		return s.value(env, k), true
	}
	if i := s.findExtra(key); i >= 0 {
		return s.extra[i].value, true
	}
	return nil, false
}

func (s *state) has(key string) bool {
	if k, ok := lookup(key); ok {
		return s.present(k)
	}
	return s.findExtra(key) >= 0
}

func (s *state) put(env Env, key string, value any) error {
	own := strings.HasPrefix(key, "owin.")
	if value == "" && !own {
		value = nil // OWIN common keys, 4: an empty string is no value
	}
	if k, ok := lookup(key); ok {
		return s.putKnown(env, k, value)
	}
	if own {
		return ErrReservedKey
	}
	i := s.findExtra(key)
	switch {
	case i < 0 && value != nil:
		s.extra = append(s.extra, pair{key, value})
	case i >= 0 && value != nil:
		s.extra[i].value = value
	case i >= 0:
		last := len(s.extra) - 1
		copy(s.extra[i:], s.extra[i+1:])
		s.extra[last] = pair{}
		s.extra = s.extra[:last]
	}
	return nil
}

func (s *state) putKnown(env Env, k known, value any) error {
	switch k {
	case kStatus, kReason, kResponseHeaders, kResponseProtocol:
		if s.response.sealed() {
			return ErrSealed
		}
	}
	if k == kRequestHeaders || k == kResponseHeaders {
		s.store(k).assignAll(s, env, k, value)
	}
	if own(env, k, value) {
		s.values[k] = nil
		s.set.remove(k)
		s.gone.remove(k)
		return nil
	}
	s.values[k] = value
	if value == nil {
		s.set.remove(k)
		s.gone.add(k)
	} else {
		s.set.add(k)
		s.gone.remove(k)
	}
	return nil
}

// own says whether value is what the Env itself has under the key, so that it is only put back where it was.
func own(env Env, k known, value any) bool {
	switch k {
	case kRequestHeaders, kResponseHeaders:
		h, ok := value.(Headers)
		return ok && h == Headers{env, k}
	case kRequestBody:
		return value == any(requestBody{env})
	case kResponseBody:
		return value == any(responseBody{env})
	}
	return false
}

func (s *state) findExtra(key string) int {
	for i := range s.extra {
		if s.extra[i].key == key {
			return i
		}
	}
	return -1
}

// same is == for values that may not be comparable.
func same(a, b any) bool {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	if !va.IsValid() || !vb.IsValid() || va.Type() != vb.Type() {
		return false
	}
	if va.Comparable() {
		return a == b
	}
	switch va.Kind() {
	case reflect.Map, reflect.Func:
		return va.Pointer() == vb.Pointer()
	case reflect.Slice:
		return va.Pointer() == vb.Pointer() && va.Len() == vb.Len()
	}
	return false
}
