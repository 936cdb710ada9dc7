package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"time"

	"ringway/internal/admin"
	"ringway/internal/supervisor"
)

// Recycle says when a worker that the gateway has started makes way for a fresh one. 0 is never.
type Recycle struct {
	Requests uint64        // that it has ended
	Memory   int64         // bytes of its resident set, segments included
	Age      time.Duration // since it attached; up to a tenth less, another part for each worker
}

// due says why a worker has to make way, in a word and in a sentence; empty if it has not.
func (r Recycle) due(requests uint64, memory int64, age time.Duration, spread float64) (cause, reason string) {
	switch {
	case r.Requests > 0 && requests >= r.Requests:
		return recycledRequests, fmt.Sprintf("%d requests, at most %d", requests, r.Requests)
	case r.Memory > 0 && memory > r.Memory:
		return recycledMemory, fmt.Sprintf("%d bytes of memory, at most %d", memory, r.Memory)
	case r.Age > 0 && age >= r.Age-time.Duration(spread*float64(r.Age)/10):
		return recycledAge, fmt.Sprintf("age %v, at most %v", age.Round(time.Millisecond), r.Age)
	}
	return "", ""
}

const (
	// recycleEvery is how often workers are looked at.
	recycleEvery = time.Second
	// recycleAgain and recycleLater are the first and the longest wait after a replacement that failed, or that had to be
	// replaced itself within recycleHealthy because of its memory.
	recycleAgain   = time.Second
	recycleLater   = time.Minute
	recycleHealthy = 10 * time.Second
)

// recycling is the replacement of one worker by a fresh one of the same build. There is at most one at a time.
type recycling struct {
	crew     *crew
	old      *worker
	serial   int // of the fresh process
	fresh    *worker
	probing  *probing // of fresh
	cause    string   // key of the counter
	reason   string
	began    time.Time
	promoted bool // fresh has taken the place; old drains
}

// recycler is what a crew remembers of its replacements.
type recycler struct {
	count   uint64 // that succeeded
	backoff supervisor.Backoff
	next    time.Time // not before
	failure string    // of the last one, empty if it succeeded
}

func newRecycler() recycler {
	return recycler{backoff: supervisor.Backoff{
		Min: recycleAgain, Max: recycleLater, Healthy: recycleHealthy, Jitter: 0.2, Random: rand.Float64,
	}}
}

// watchWorkers looks at the workers that the gateway has started, again and again.
func (g *Gateway) watchWorkers() {
	if g.phase != phaseRunning {
		return
	}
	g.mail.after(recycleEvery, g.watchWorkers)
	g.measure()
	g.recycleDue()
}

// recycleDue begins the replacement of a worker that is due, if none is under way and nothing else is.
func (g *Gateway) recycleDue() {
	if g.swap != nil || g.upgrade != nil || g.recycling != nil || g.active == nil || g.active.crew == nil {
		return
	}
	c := g.active.crew
	if c.held || time.Now().Before(c.recycler.next) {
		return
	}
	all := g.workersOf(g.active)
	slices.SortFunc(all, func(a, b *worker) int { return cmp.Compare(a.peer.ID, b.peer.ID) })
	for _, w := range all {
		if !g.readyFor(w) || w.serial == 0 {
			continue
		}
		cause, reason := recycledCommand, "by command"
		if !w.dismissed {
			cause, reason = g.config.Recycle.due(w.requests, w.memory, time.Since(w.peer.Attached), w.spread)
		}
		if cause != "" {
			g.recycle(w, cause, reason)
			return
		}
	}
}

// measure counts the requests that supervised workers have ended, and looks how large they are.
func (g *Gateway) measure() {
	ended := make(map[uint64]uint64)
	for _, lane := range g.stats().Lanes {
		ended[lane.Worker] += lane.Completed
	}
	for id, w := range g.workers {
		if w.serial == 0 || w.state == workerGone {
			continue
		}
		w.requests = ended[id]
		memory, err := residentSet(w.peer.Pid)
		if err != nil {
			if w.memory >= 0 && !errors.Is(err, fs.ErrNotExist) { // told once; one that has just ended has none
				g.log.Warn("the memory of a worker cannot be read", "worker", id, "worker_pid", w.peer.Pid, "error", err)
			}
			memory = -1
		}
		w.memory = memory
	}
}

// recycle starts a fresh process beside a worker that has to make way.
func (g *Gateway) recycle(w *worker, cause, reason string) {
	c := w.release.crew
	serial, err := c.supervisor.Replace(w.serial)
	r := &recycling{crew: c, old: w, serial: serial, cause: cause, reason: reason, began: time.Now()}
	if err != nil {
		g.failRecycling(r, err.Error())
		return
	}
	g.log.Info("worker is to be replaced", "worker", w.peer.ID, "worker_pid", w.peer.Pid, "release", w.release.name, "reason", reason)
	g.recycling = r
	g.mail.after(g.config.ReadyLimit, func() {
		if g.recycling == r && !r.promoted {
			g.failRecycling(r, fmt.Sprintf("the new one was not ready within %v", g.config.ReadyLimit))
		}
	})
}

// adopt: a worker has attached. It gets no requests yet if it is a fresh one, and never if its process was given up.
func (g *Gateway) adopt(w *worker) {
	c := w.release.crew
	if w.serial == 0 || c.supervisor.Keeps(w.serial) {
		return
	}
	w.untried = true
	if r := g.recycling; r != nil && r.crew == c && r.serial == w.serial {
		r.fresh = w
	}
}

// freshReady: the fresh worker can serve. It gets requests once it has answered the probe, if there is one.
func (g *Gateway) freshReady(w *worker) {
	r := g.recycling
	if r == nil || r.fresh != w {
		return // called off
	}
	if g.config.Probe == "" {
		g.promote(r)
		return
	}
	var err error
	if r.probing, err = g.ask(w); err != nil {
		g.failRecycling(r, err.Error())
	}
}

// freshProbed tells whether a probe's answer is the fresh worker's.
func (g *Gateway) freshProbed(id uint64, loop int, round uint64, status int) bool {
	r := g.recycling
	if r == nil || r.fresh == nil || r.fresh.peer.ID != id || !r.probing.take(loop, round) {
		return false
	}
	if err := g.checkProbe(id, status); err != nil {
		g.failRecycling(r, err.Error())
	} else if len(r.probing.left) == 0 {
		g.promote(r)
	}
	return true
}

// promote gives the requests of the old worker to the fresh one.
func (g *Gateway) promote(r *recycling) {
	if g.phase != phaseRunning {
		return // nobody needs it any more; it is let go with the others
	}
	r.fresh.untried = false
	if err := g.selectOf(g.active, nil); err != nil {
		r.fresh.untried = true
		g.failRecycling(r, fmt.Sprintf("the new one cannot be given requests: %v", err))
		return
	}
	if !r.crew.supervisor.Promote(r.serial) {
		r.fresh.untried = true
		g.selectWorkers()
		g.failRecycling(r, "the new one has ended")
		return
	}
	r.promoted = true
	c := &r.crew.recycler
	c.count++
	count(&g.tally.recycled, r.cause)
	c.failure = ""
	lived := time.Since(r.old.peer.Attached)
	if limit := g.config.Recycle.Memory; limit > 0 && r.old.memory > limit {
		c.next = time.Now().Add(c.backoff.Next(lived))
	}
	g.log.Info("worker is replaced", "worker", r.old.peer.ID, "by", r.fresh.peer.ID, "reason", r.reason,
		"lived", lived.Round(time.Millisecond), "took", time.Since(r.began).Round(time.Millisecond))
	if r.old.state <= workerReady {
		g.drain(r.old)
	}
}

// failRecycling: the fresh worker is not ready. The old one stays, and it is tried again later.
func (g *Gateway) failRecycling(r *recycling, reason string) {
	g.callOff(r)
	count(&g.tally.recycled, recycleFailed)
	c := &r.crew.recycler
	wait := c.backoff.Next(0)
	c.next, c.failure = time.Now().Add(wait), reason
	g.log.Warn("worker is not replaced, it stays", "worker", r.old.peer.ID, "worker_pid", r.old.peer.Pid, "release", r.old.release.name,
		"due", r.reason, "reason", reason, "again_in", wait.Round(time.Millisecond))
}

// callOff ends a replacement before the fresh worker has got a request.
func (g *Gateway) callOff(r *recycling) {
	g.recycling = nil
	r.crew.supervisor.Discard(r.serial, killGrace)
	if r.fresh != nil && r.fresh.state <= workerReady {
		g.drain(r.fresh)
	}
}

// recyclingGone: a worker is gone, maybe one of the two of a replacement.
func (g *Gateway) recyclingGone(w *worker) {
	r := g.recycling
	if r == nil {
		return
	}
	switch {
	case !r.promoted && w == r.fresh:
		g.failRecycling(r, "the new one has closed its control socket")
	case !r.promoted && w == r.old:
		g.log.Info("worker needs no replacement: it has ended", "worker", w.peer.ID)
		g.callOff(r)
	case r.promoted && w == r.old:
		// Its process may still have to clean up, and no other is replaced meanwhile; but not for ever.
		g.mail.after(g.config.DrainLimit+killGrace, func() { r.crew.supervisor.Kill(w.serial) })
	}
}

// recyclingEnded: a process is over, maybe one of the two of a replacement.
func (g *Gateway) recyclingEnded(c *crew, e supervisor.End) {
	r := g.recycling
	switch {
	case r == nil || r.crew != c:
	case !r.promoted && e.Serial == r.serial:
		g.failRecycling(r, fmt.Sprintf("the new one ended after %v: %s", e.Lived.Round(time.Millisecond), e.Text))
	case r.promoted && e.Serial == r.old.serial:
		g.recycling = nil
	}
}

// recyclingState is called by the core.
func (g *Gateway) recyclingState(c *crew) admin.Recycling {
	state := admin.Recycling{Count: c.recycler.count, Failure: c.recycler.failure}
	if c.recycler.failure != "" {
		state.Next = c.recycler.next
	}
	if r := g.recycling; r != nil && r.crew == c {
		state.Worker, state.Reason, state.Since = r.old.peer.ID, r.reason, r.began
	}
	return state
}
