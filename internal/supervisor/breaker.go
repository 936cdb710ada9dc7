package supervisor

import (
	"slices"
	"time"
)

// Breaker ends the restarts of a process that keeps ending: after Ends ends that nobody asked for within Window it is
// open. Then one process is tried each time that Wait has passed; a healthy life of it closes the breaker.
type Breaker struct {
	Ends         int // 0: it never opens
	Window, Wait time.Duration

	recent []time.Time
	open   bool
}

// Ended notes an end that nobody asked for, and tells whether the breaker is open now. healthy is whether the process
// had lived for a healthy while.
func (b *Breaker) Ended(now time.Time, healthy bool) bool {
	if healthy {
		b.Close()
	}
	b.recent = append(slices.DeleteFunc(b.recent, func(at time.Time) bool { return now.Sub(at) > b.Window }), now)
	if b.Ends > 0 && len(b.recent) >= b.Ends {
		b.open = true
	}
	return b.open
}

// Close forgets all ends.
func (b *Breaker) Close() { b.recent, b.open = nil, false }
