package bridge

import "time"

const (
	maxSpin     = time.Millisecond
	spinEvents  = 2  // events in one go that count as requests coming one by one
	spinPenalty = 32 // sleeps without a spin after one in vain
	spinLooks   = 32 // looks at the ring for one at the clock
)

// spinner decides whether the poller of a lane looks for the next event for a while before it sleeps. The poller's own.
type spinner struct {
	limit   time.Duration
	penalty int
	steps   uint64 // lane.steps at the last poll
}

// worth reports whether to spin; steps are the lane's.
func (s *spinner) worth(steps uint64) bool {
	if s.limit == 0 {
		return false
	}
	few := steps-s.steps <= spinEvents
	s.steps = steps
	if s.penalty > 0 {
		s.penalty--
		return false
	}
	return few
}

// until looks until ready reports true, or gives up.
func (s *spinner) until(ready func() bool) bool {
	end := time.Now().Add(s.limit)
	for {
		for range spinLooks {
			if ready() {
				return true
			}
		}
		if !time.Now().Before(end) {
			s.penalty = spinPenalty
			return false
		}
	}
}
