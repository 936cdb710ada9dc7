package envmap

// Decodes returns how many values were decoded from the request block so far.
func (e Env) Decodes() int {
	s := e.lock()
	if s == nil {
		return -1
	}
	defer s.mu.Unlock()
	return s.decodes
}

// BodyHeld is how much of a response is held back.
const BodyHeld = bodyHeld

// KnownNames are the keys that an Env has values for.
var KnownNames = knownNames[:]

// Lookup finds a known key.
func Lookup(key string) (int, bool) {
	k, ok := lookup(key)
	return int(k), ok
}
