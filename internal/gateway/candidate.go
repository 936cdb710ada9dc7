package gateway

import (
	"slices"
)

// A release that gets ready while nothing serves, and that a newer one was to come before, stays warming: it is a
// candidate. It becomes active if it is ready first, and the swap goes on from it; it is swapped to if the newer one fails;
// and it fails when any other has become active.

// candidates are the warming releases that no swap is to, the newest first. During a takeover there are none: what comes by
// itself then has to wait.
func (g *Gateway) candidates() []*release {
	if g.takeover != nil {
		return nil
	}
	var all []*release
	for _, r := range slices.Backward(g.releases) {
		if r.state == releaseWarming && (g.swap == nil || g.swap.to != r) {
			all = append(all, r)
		}
	}
	return all
}

// dropCandidates fails all but the newest `keep` of them.
func (g *Gateway) dropCandidates(keep int, by *release) {
	all := g.candidates()
	for _, r := range all[min(keep, len(all)):] {
		g.setRelease(r, releaseFailed, "superseded by release "+by.name)
		if r.crew != nil {
			g.dismiss(r)
		}
	}
}

// takeCandidate makes a candidate active that is ready before the release of the swap, which goes on from it.
func (g *Gateway) takeCandidate(s *swap, r *release) {
	if !g.canSelect(r, nil) {
		return
	}
	before := g.active
	if before != nil {
		g.setRelease(before, releaseStandby, "")
	}
	g.setRelease(r, releaseActive, "")
	g.active, s.from = r, r
	s.to.crashes, s.to.trouble = 0, "" // there was nothing to fall back on
	s.tell("release %s is active meanwhile: it is ready", r.name)
	g.dropCandidates(0, s.to)
	if before != nil {
		g.previous = before
		g.retire(before)
	}
}
