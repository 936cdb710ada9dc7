package main

import (
	"fmt"
	"sync"
	"sync/atomic"

	"ringway/test/stress/plan"
)

// idLimit bounds the numbers of exchanges: a bit each.
const idLimit = 1 << 28

// server is the application.
type server struct {
	started, finished, gone, gaveUp, twice, mixed, in, out atomic.Uint64

	seen    []atomic.Uint64 // a bit for each exchange
	buffers sync.Pool

	mu    sync.Mutex
	first string
}

func newServer() *server {
	s := &server{seen: make([]atomic.Uint64, idLimit/64)}
	s.buffers.New = func() any { b := make([]byte, 64<<10); return &b }
	return s
}

func (s *server) begin(p *plan.Plan) {
	s.started.Add(1)
	if p.ID >= idLimit {
		s.wrong(p, "number out of range")
		return
	}
	if bit := uint64(1) << (p.ID % 64); s.seen[p.ID/64].Or(bit)&bit != 0 {
		s.twice.Add(1)
		s.note(p, "served before")
	}
}

// wrong notes a request that is not what its target says.
func (s *server) wrong(p *plan.Plan, format string, arguments ...any) {
	s.mixed.Add(1)
	s.note(p, fmt.Sprintf(format, arguments...))
}

func (s *server) note(p *plan.Plan, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == "" {
		s.first = fmt.Sprintf("%+v: %s", *p, text)
	}
}

func (s *server) tally() plan.Tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	return plan.Tally{
		Started: s.started.Load(), Finished: s.finished.Load(), Gone: s.gone.Load(), GaveUp: s.gaveUp.Load(), Twice: s.twice.Load(),
		Mixed: s.mixed.Load(), BytesIn: s.in.Load(), BytesOut: s.out.Load(), First: s.first,
	}
}
