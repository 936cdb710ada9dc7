package supervisor

import "time"

// Backoff says how long to wait before a process that ended is started again. The waits double from Min to Max. After one
// that lived for Healthy there is no wait, because nothing says that the next one will fail, and the series starts anew.
type Backoff struct {
	Min, Max time.Duration
	Healthy  time.Duration
	// Jitter is the part of each wait that is random: 0.2 gives 0.8 to 1.2 of it, so that workers which failed
	// together do not come back together.
	Jitter float64
	// Random returns a number in [0, 1).
	Random func() float64

	failures int
}

// Next returns the wait after a process that lived for the given time.
func (b *Backoff) Next(lived time.Duration) time.Duration {
	if lived >= b.Healthy {
		b.failures = 0
		return 0
	}
	wait := b.Max
	// The shift is bounded, so that it cannot overflow however often a worker fails.
	if shifted := b.Min << min(b.failures, 30); shifted > 0 && shifted < b.Max {
		wait = shifted
	}
	b.failures++
	return b.jittered(wait)
}

func (b *Backoff) jittered(wait time.Duration) time.Duration {
	return time.Duration(float64(wait) * (1 + b.Jitter*(2*b.Random()-1)))
}
