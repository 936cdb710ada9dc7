package gateway

import (
	"fmt"
	"time"
)

// probeAgain is the wait before a worker is asked again where nothing else can be done.
const probeAgain = time.Second

// probing is the question to a worker whether it can serve, which each of its lanes has to answer once. What comes of
// an earlier question counts for nothing.
type probing struct {
	round uint64
	left  map[int]bool // loops that have not answered
}

// ask asks each lane of a worker.
func (g *Gateway) ask(w *worker) (*probing, error) {
	g.lastRound++
	p := &probing{round: g.lastRound, left: make(map[int]bool)}
	for loop := range g.config.Loops {
		p.left[loop] = true
	}
	if err := g.engine.Probe(w.peer.ID, g.config.Probe, p.round); err != nil {
		return nil, fmt.Errorf("worker %d cannot be probed: %w", w.peer.ID, err)
	}
	return p, nil
}

// take notes an answer, and tells whether it was waited for.
func (p *probing) take(loop int, round uint64) bool {
	if p == nil || p.round != round || !p.left[loop] {
		return false
	}
	delete(p.left, loop)
	return true
}

// checkProbe says what is wrong with an answer; nil if nothing is.
func (g *Gateway) checkProbe(id uint64, status int) error {
	if status < 200 || status > 399 {
		return fmt.Errorf("worker %d answered the probe %s with status %d, expected 200 to 399", id, g.config.Probe, status)
	}
	return nil
}

// probe asks each lane of each ready worker once; it tells whether all have answered.
func (g *Gateway) probe(s *swap, r *release) bool {
	answered := true
	for _, w := range g.workersOf(r) {
		if w.state != workerReady || w.untried {
			continue
		}
		p := s.probes[w.peer.ID]
		if p == nil {
			s.tell("worker %d is asked for %s", w.peer.ID, g.config.Probe)
			var err error
			if p, err = g.ask(w); err != nil {
				g.probeFailed(s, w, err)
				return false
			}
			s.probes[w.peer.ID] = p
		}
		answered = answered && len(p.left) == 0
	}
	return answered
}

// probed: one lane of a worker has answered a probe.
func (g *Gateway) probed(id uint64, loop int, round uint64, status int) {
	if g.freshProbed(id, loop, round, status) {
		return
	}
	s, w := g.swap, g.workers[id]
	if s == nil || s.active || w == nil || !s.probes[id].take(loop, round) {
		return
	}
	if err := g.checkProbe(id, status); err != nil {
		g.probeFailed(s, w, err)
		return
	}
	g.checkSwap()
}

// probeFailed: a worker is not ready although it says so. It is asked again if there is nobody else.
func (g *Gateway) probeFailed(s *swap, w *worker, reason error) {
	if w.release == s.to && !g.patient(s) {
		g.failSwap(s, reason.Error())
		return
	}
	g.log.Warn("a worker is not ready", "worker", w.peer.ID, "reason", reason)
	delete(s.probes, w.peer.ID)
	g.mail.after(probeAgain, g.checkSwap)
}
