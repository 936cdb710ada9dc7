package gateway

import (
	"fmt"
	"time"
)

// alivePoll is how often Alive looks whether all loops have turned.
const alivePoll = 5 * time.Millisecond

// Alive tells, as an error, whether the core or a loop does nothing any more. Both get the given time to do a little work:
// the core selects the workers that are selected, which each loop hears of. A gateway that is about to end is alive.
func (g *Gateway) Alive(within time.Duration) error {
	late := time.After(within)
	before := g.stats().Loops
	selected := make(chan bool, 1)
	if !g.mail.post(func() {
		if g.phase < phaseEnding {
			g.selectWorkers()
		}
		selected <- g.phase < phaseEnding
	}) {
		return nil
	}
	select {
	case serving := <-selected:
		if !serving {
			return nil
		}
	case <-late:
		return fmt.Errorf("the core did not answer within %v", within)
	}
	for {
		now := g.stats().Loops
		still := -1
		for i := range min(len(now), len(before)) {
			if now[i].Iterations == before[i].Iterations {
				still = now[i].Index
			}
		}
		if still < 0 {
			return nil
		}
		select {
		case <-time.After(alivePoll):
		case <-late:
			return fmt.Errorf("loop %d did not turn within %v", still, within)
		}
	}
}
