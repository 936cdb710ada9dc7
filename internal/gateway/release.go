package gateway

import (
	"fmt"
	"slices"
	"time"

	"ringway/internal/admin"
)

// releaseState is where a release stands.
type releaseState int

const (
	releaseWarming  releaseState = iota // its workers get ready; none gets requests yet
	releaseActive                       // its workers get the requests
	releaseStandby                      // was active until just now: takes over again if the next one fails
	releaseDraining                     // its workers finish what they have
	releaseRetired                      // was active once; is again by command only
	releaseFailed                       // could not become or stay active; is again by command only
)

func (s releaseState) String() string {
	return [...]string{"warming", "active", "standby", "draining", "retired", "failed"}[s]
}

var releaseTransitions = map[releaseState][]releaseState{
	releaseWarming:  {releaseActive, releaseFailed},
	releaseActive:   {releaseStandby, releaseFailed},
	releaseStandby:  {releaseActive, releaseDraining},
	releaseDraining: {releaseRetired},
	releaseRetired:  {releaseWarming},
	releaseFailed:   {releaseWarming},
}

// release is one build of the worker: those of its workers that are attached, and the processes that the gateway runs
// of it.
type release struct {
	number   int    // never reused
	name     string // the workers' own word; before any has spoken, the program's file name
	state    releaseState
	since    time.Time
	reason   string // why it failed
	crashes  int    // ends of workers that nobody asked for, since it is in this state
	trouble  string // why a worker served no more without being asked to, the last time since then; empty: none
	broken   bool   // that opened the breaker
	crew     *crew  // nil if its workers come by themselves
	expected int    // how many of them the gateway before had; 0 if there was none
}

// keptReleases is how many releases without a part in the traffic are remembered.
const keptReleases = 16

// setRelease is the only way to change a release's state.
func (g *Gateway) setRelease(r *release, next releaseState, reason string) {
	if !slices.Contains(releaseTransitions[r.state], next) {
		panic(fmt.Sprintf("gateway: release %s cannot become %s from %s", r.name, next, r.state))
	}
	g.log.Info("release is "+next.String(), "release", r.name, "was", r.state.String(), "reason", reason)
	g.journal.Add(admin.Event{Kind: "release", Name: r.name, State: next.String(), Was: r.state.String(), Reason: reason})
	r.state, r.since, r.reason, r.crashes, r.trouble, r.broken = next, time.Now(), reason, 0, "", false
}

// addRelease makes a release that begins to get ready.
func (g *Gateway) addRelease(name string, crew *crew) *release {
	g.lastRelease++
	r := &release{number: g.lastRelease, name: name, crew: crew, since: time.Now()}
	g.releases = append(g.releases, r)
	g.log.Info("release is "+r.state.String(), "release", name)
	g.journal.Add(admin.Event{Kind: "release", Name: name, State: r.state.String()})
	g.forgetReleases()
	return r
}

// forgetReleases drops the oldest of those that have no workers and no part in the traffic, if there are many. The
// previous one is kept: a rollback needs it.
func (g *Gateway) forgetReleases() {
	past := func(r *release) bool {
		return (r.state == releaseRetired || r.state == releaseFailed) && r != g.previous && len(g.workersOf(r)) == 0
	}
	count := 0
	for _, r := range g.releases {
		if past(r) {
			count++
		}
	}
	g.releases = slices.DeleteFunc(g.releases, func(r *release) bool {
		drop := count > keptReleases && past(r)
		if drop {
			count--
		}
		return drop
	})
}

// releaseOf finds the release that an attaching worker is of, and makes one that nobody has seen yet. Workers that the
// gateway has started belong to the release that they were started for, whatever they call it.
func (g *Gateway) releaseOf(name string, crewNumber int) (r *release, unknown bool) {
	for _, r := range g.releases {
		if crewNumber != 0 && r.crew != nil && r.crew.number == crewNumber {
			r.name = name
			r.crew.release.Store(&name)
			return r, false
		}
	}
	for _, r := range g.releases {
		if r.crew == nil && r.name == name {
			return r, false
		}
	}
	return g.addRelease(name, nil), true
}

func (g *Gateway) workersOf(r *release) []*worker {
	var all []*worker
	for _, w := range g.workers {
		if w.release == r {
			all = append(all, w)
		}
	}
	return all
}

// readyOf counts the workers of a release that can be given requests.
func (g *Gateway) readyOf(r *release) int {
	ready := 0
	for _, w := range g.workersOf(r) {
		if g.readyFor(w) {
			ready++
		}
	}
	return ready
}

// readyFor tells whether requests can be given to a worker for good.
func (g *Gateway) readyFor(w *worker) bool { return w.state == workerReady && !w.leaving && !w.untried }

// servingOf counts those of them that take requests.
func (g *Gateway) servingOf(r *release) int {
	serving := 0
	for _, w := range g.workersOf(r) {
		if g.readyFor(w) && w.stuck == 0 {
			serving++
		}
	}
	return serving
}

// canServe tells whether requests can be given to a release: it has a worker that serves, or the gateway starts some.
func (g *Gateway) canServe(r *release) bool {
	return r != nil && (r.crew != nil && !r.crew.held || g.servingOf(r) > 0)
}

// selectAgain is the wait before workers are selected again that could not be.
const selectAgain = 100 * time.Millisecond

// selectWorkers lets requests go to the ready workers of the active release and to no others. While it is being confirmed,
// what its workers drop goes to the release before: no request is to meet two deaths of the new one.
func (g *Gateway) selectWorkers() {
	var before *release
	if g.swap != nil && g.swap.active {
		before = g.swap.from
	}
	if g.selectOf(g.active, before) != nil {
		g.mail.after(selectAgain, g.selectWorkers)
	}
}

// canSelect lets requests go to the workers of a release that is to become active. If the loops cannot be told, nothing has
// changed, and it is tried again.
func (g *Gateway) canSelect(active, before *release) bool {
	g.swap.unselected = g.selectOf(active, before)
	if g.swap.unselected != nil {
		g.mail.after(selectAgain, g.checkSwap)
	}
	return g.swap.unselected == nil
}

// selectOf lets requests go to the workers of one release; those of another take what the workers of the first drop. It
// only fails for want of a few bytes of memory, and is to be tried again then.
func (g *Gateway) selectOf(active, before *release) error {
	var chosen, second []uint64
	for id, w := range g.workers {
		switch {
		case w.state != workerReady || w.untried:
		case w.release == active:
			chosen = append(chosen, id)
		case w.release == before:
			second = append(second, id)
		}
	}
	slices.Sort(chosen)
	slices.Sort(second)
	err := g.engine.Select(chosen, second)
	if err != nil {
		g.log.Error("workers cannot be selected", "workers", chosen, "error", err)
	}
	return err
}

// retire lets a release go that another has replaced for good.
func (g *Gateway) retire(r *release) {
	g.setRelease(r, releaseDraining, "")
	g.dismiss(r)
	g.checkRetired(r)
}

// dismiss lets the workers of a release finish what they have, and starts no more of them.
func (g *Gateway) dismiss(r *release) {
	for _, w := range g.workersOf(r) {
		if w.state <= workerReady {
			g.drain(w)
		}
	}
	if r.crew != nil {
		g.dismissCrew(r)
	}
}

// checkRetired notices that the last worker of a draining release has ended. Workers that have come since then do not
// count: they wait for a command.
func (g *Gateway) checkRetired(r *release) {
	if r.state != releaseDraining || r.crew != nil && !r.crew.ended {
		return
	}
	for _, w := range g.workersOf(r) {
		if w.state > workerReady {
			return
		}
	}
	g.setRelease(r, releaseRetired, "")
}
