package envmap

import (
	"math/bits"
	"sync"
)

// state is the working memory of an Env, used for one exchange after another.
//
// An Env is a handle: a pointer to its state and the generation it is for. Ending an exchange advances the generation,
// so that a handle somebody kept cannot reach what the state is used for next.
//
// Locks: write before mu. No call into the exchange or into the application is made while mu is held, except for
// RequestBlock, Context and RequestBody, which do not block.
type state struct {
	write sync.Mutex     // held while the response side of the exchange is called
	reads sync.WaitGroup // reads of the request body that are running; added to only under mu in a living generation

	mu    sync.Mutex // guards everything below, save that response is written under both locks
	gen   uint64     // of the living Env; advanced when an exchange ends
	ex    Exchange
	block block

	set     keySet          // the value is in values: the application assigned it
	gone    keySet          // the application removed the key
	cached  keySet          // the value is in texts: it was decoded
	values  [knownCount]any // by the application
	texts   [knownCount]string
	extra   []pair // keys that are not known, in order of arrival
	scratch []byte // bytes behind borrowed views that are not plain pieces of the block
	path    []byte // decoded path; nil until asked for
	decodes int    // values decoded from the block, for tests

	request  fieldStore
	response response

	properties *Properties // of the Runner
	sending    []func()    // callbacks of OnSendingHeaders that have not run
	announcing bool        // they run
	sendingErr error       // one of them panicked
	upgrade    *upgrade    // what Env.Upgrade was given
}

type pair struct {
	key   string
	value any
}

// begin takes a new exchange and returns its Env.
func (s *state) begin(ex Exchange) (Env, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	env := Env{s, s.gen}
	s.ex = ex
	s.request.lazy = true
	b, err := parseBlock(ex.RequestBlock())
	if err != nil {
		return env, err
	}
	s.block = b
	s.response.begin(b)
	return env, nil
}

// end makes every handle fail and forgets what belonged to the exchange.
func (s *state) end() {
	s.mu.Lock()
	s.gen++
	s.mu.Unlock()
}

// clean makes the state ready for the next exchange. Precondition: ended, and no call into the exchange is running.
func (s *state) clean() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for used := s.set | s.cached; used != 0; used &= used - 1 {
		k := bits.TrailingZeros32(uint32(used))
		s.values[k], s.texts[k] = nil, ""
	}
	s.ex, s.block = nil, block{}
	s.set, s.gone, s.cached = 0, 0, 0
	if len(s.extra) > 0 {
		clear(s.extra)
		s.extra = s.extra[:0]
	}
	s.path = nil
	s.scratch = s.scratch[:0]
	s.decodes = 0
	s.request.clean()
	s.response.clean()
	clear(s.sending)
	s.sending, s.announcing, s.sendingErr = s.sending[:0], false, nil
	s.upgrade = nil
}
