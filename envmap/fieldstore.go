package envmap

import (
	"maps"
	"net/http"
	"slices"
)

// fieldStore holds the fields of one direction, in one of three forms: those of the request block as long as nobody
// changed them (lazy), a list, or a map that the application assigned.
type fieldStore struct {
	lazy     bool
	list     []Field
	assigned map[string][]string
}

type fieldGroup struct {
	name   string
	values []string
}

// store returns the fields behind kRequestHeaders or kResponseHeaders.
func (s *state) store(k known) *fieldStore {
	if k == kRequestHeaders {
		return &s.request
	}
	return &s.response.fields
}

func (f *fieldStore) clean() {
	f.assigned = nil // the application's map stays as it is
	f.reset()
}

// reset empties the store; an assigned map stays the one that is used.
func (f *fieldStore) reset() {
	f.lazy = false
	if len(f.list) > 0 {
		clear(f.list)
		f.list = f.list[:0]
	}
	if f.assigned != nil {
		clear(f.assigned)
	}
}

// assignAll follows an assignment of value to the whole dictionary.
func (f *fieldStore) assignAll(s *state, env Env, k known, value any) {
	if h, ok := value.(Headers); ok && h.env == env && h.key == k {
		return
	}
	f.assigned = nil // before reset, which must not empty the map that was assigned before
	f.reset()
	switch v := value.(type) {
	case http.Header:
		f.assigned = v
	case map[string][]string:
		f.assigned = v
	}
}

// load turns the lazy form into a list.
func (f *fieldStore) load(s *state) {
	if !f.lazy {
		return
	}
	f.lazy = false
	for name, value := range s.blockFields() {
		f.list = append(f.list, Field{string(name), string(value)})
	}
}

func (f *fieldStore) has(s *state, name string) bool {
	switch {
	case f.assigned != nil:
		_, ok := f.mapKey(name)
		return ok
	case f.lazy:
		return s.blockHas(name)
	}
	return f.index(name) >= 0
}

// first returns the first value of a name.
func (f *fieldStore) first(s *state, name string) (string, bool) {
	switch {
	case f.assigned != nil:
		key, _ := f.mapKey(name)
		if values := f.assigned[key]; len(values) > 0 {
			return values[0], true
		}
		return "", false
	case f.lazy:
		v, ok := s.blockField(name)
		return string(v), ok
	}
	if i := f.index(name); i >= 0 {
		return f.list[i].Value, true
	}
	return "", false
}

func (f *fieldStore) all(s *state, name string) []string {
	switch {
	case f.assigned != nil:
		key, _ := f.mapKey(name)
		return slices.Clone(f.assigned[key])
	case f.lazy:
		return s.blockValues(name)
	}
	var values []string
	for i := range f.list {
		if equalFold(f.list[i].Name, name) {
			values = append(values, f.list[i].Value)
		}
	}
	return values
}

func (f *fieldStore) assign(s *state, name string, values []string) {
	if f.assigned != nil {
		key, ok := f.mapKey(name)
		if !ok {
			key = http.CanonicalHeaderKey(name)
		}
		if len(values) == 0 {
			delete(f.assigned, key)
		} else {
			f.assigned[key] = slices.Clone(values)
		}
		return
	}
	f.load(s)
	if len(values) == 1 {
		f.setOne(name, values[0])
		return
	}
	f.remove(name, 0)
	for _, v := range values {
		f.list = append(f.list, Field{name, v})
	}
}

// setOne is assign of one value to the list: in place if the name is there.
func (f *fieldStore) setOne(name, value string) {
	i := f.index(name)
	if i < 0 {
		f.list = append(f.list, Field{name, value})
		return
	}
	f.list[i] = Field{name, value}
	f.remove(name, i+1)
}

func (f *fieldStore) add(s *state, name, value string) {
	if f.assigned != nil {
		key, ok := f.mapKey(name)
		if !ok {
			key = http.CanonicalHeaderKey(name)
		}
		f.assigned[key] = append(f.assigned[key], value)
		return
	}
	f.load(s)
	f.list = append(f.list, Field{name, value})
}

// groups returns copies of all names and values.
func (f *fieldStore) groups(s *state) []fieldGroup {
	if f.assigned != nil {
		groups := make([]fieldGroup, 0, len(f.assigned))
		for _, name := range slices.Sorted(maps.Keys(f.assigned)) {
			groups = append(groups, fieldGroup{name, slices.Clone(f.assigned[name])})
		}
		return groups
	}
	var groups []fieldGroup
	// A request may carry thousands of fields, so names are found through a map, not by search.
	at := make(map[string]int)
	put := func(name, value string) {
		key := lowerName(name)
		i, ok := at[key]
		if !ok {
			i = len(groups)
			at[key] = i
			groups = append(groups, fieldGroup{name: name})
		}
		groups[i].values = append(groups[i].values, value)
	}
	if f.lazy {
		for name, value := range s.blockFields() {
			put(string(name), string(value))
		}
	} else {
		for _, l := range f.list {
			put(l.Name, l.Value)
		}
	}
	return groups
}

func (f *fieldStore) index(name string) int {
	for i := range f.list {
		if equalFold(f.list[i].Name, name) {
			return i
		}
	}
	return -1
}

// remove removes a name from the list, from index i on.
func (f *fieldStore) remove(name string, i int) {
	kept := f.list[:i]
	for _, l := range f.list[i:] {
		if !equalFold(l.Name, name) {
			kept = append(kept, l)
		}
	}
	clear(f.list[len(kept):])
	f.list = kept
}

// mapKey finds the key of the assigned map that matches name in any case.
func (f *fieldStore) mapKey(name string) (string, bool) {
	if _, ok := f.assigned[name]; ok {
		return name, true
	}
	if key := http.CanonicalHeaderKey(name); key != name {
		if _, ok := f.assigned[key]; ok {
			return key, true
		}
	}
	for key := range f.assigned {
		if equalFold(key, name) {
			return key, true
		}
	}
	return name, false
}
