package gateway

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"ringway/internal/admin"
)

// swap is the way of a release to being the active one for good. There is at most one at a time.
type swap struct {
	to     *release
	from   *release // nil if none was active
	began  time.Time
	active bool                // the new release has the requests; it is being confirmed
	probes map[uint64]*probing // by worker, also of candidates
	watch  func(admin.Progress)
	// unselected is why the loops could not be told of it when it was ready.
	unselected error
}

// needed is how many ready workers make a release ready.
func (g *Gateway) needed(r *release) int {
	switch {
	case r.crew != nil:
		return r.crew.program.Count
	case r.expected != 0:
		return min(r.expected, g.config.ReadyWorkers)
	}
	return g.config.ReadyWorkers
}

func (s *swap) tell(format string, arguments ...any) {
	if s.watch != nil {
		s.watch(admin.Progress{Step: fmt.Sprintf(format, arguments...)})
	}
}

// beginSwap makes a warming release the active one as soon as it is ready. A swap under way gives way: one whose release
// is active is confirmed early, the other fails. If nothing serves and nobody waits for it, its release stays a candidate.
func (g *Gateway) beginSwap(to *release, watch func(admin.Progress)) {
	probes := make(map[uint64]*probing)
	switch before := g.swap; {
	case before == nil:
	case before.active:
		g.confirm(before)
	case !g.patient(before):
		g.endSwap(before, swapSuperseded, "superseded by release "+to.name)
	default:
		g.tally.swapEnded(before, swapSuperseded)
		probes = before.probes
	}
	if r := g.recycling; r != nil && !r.promoted {
		g.callOff(r)
	}
	s := &swap{to: to, from: g.active, began: time.Now(), watch: watch, probes: probes}
	g.swap = s
	g.dropCandidates(keptReleases, to)
	s.tell("release %s starts; workers that have to be ready: %d", to.name, g.needed(to))
	g.limitReady(s)
	g.checkSwap()
}

// limitReady ends a swap whose release takes too long to get ready.
func (g *Gateway) limitReady(s *swap) {
	g.mail.after(g.config.ReadyLimit, func() {
		switch {
		case g.swap != s || s.active:
		case g.patient(s):
			g.limitReady(s)
		case s.unselected != nil:
			g.failSwap(s, fmt.Sprintf("its workers could not be given requests within %v: %v", g.config.ReadyLimit, s.unselected))
		default:
			g.failSwap(s, fmt.Sprintf("only %d of %d workers were ready within %v", g.readyOf(s.to), g.needed(s.to), g.config.ReadyLimit))
		}
	})
}

// patient is a swap that nobody waits for and that has nothing to fall back on: the first release, or one that a worker
// brought when no other had any. It cannot fail, only take long.
func (g *Gateway) patient(s *swap) bool { return s.watch == nil && !g.canServe(s.from) }

// checkSwap goes on with the swap if its release has got further.
func (g *Gateway) checkSwap() {
	s := g.swap
	if s == nil || s.active {
		return
	}
	if g.isReady(s, s.to) {
		g.activate(s)
		return
	}
	if g.swap != s || g.canServe(g.active) {
		return
	}
	for _, r := range g.candidates() {
		if g.isReady(s, r) {
			g.takeCandidate(s, r)
			return
		}
	}
}

// isReady tells whether a release has as many workers as it needs, and those have answered their probes. It asks them.
func (g *Gateway) isReady(s *swap, r *release) bool {
	return g.readyOf(r) >= g.needed(r) && (g.config.Probe == "" || g.probe(s, r))
}

// activate gives all requests to the new release, in one step for each loop.
func (g *Gateway) activate(s *swap) {
	if !g.canSelect(s.to, s.from) {
		return
	}
	s.active = true
	g.setRelease(s.to, releaseActive, "")
	if s.from != nil {
		g.setRelease(s.from, releaseStandby, "")
	}
	g.active = s.to
	g.dropCandidates(0, s.to)
	s.tell("release %s is active after %v", s.to.name, time.Since(s.began).Round(time.Millisecond))
	if s.from == nil || g.config.Confirm == 0 {
		g.confirm(s)
		return
	}
	s.tell("release %s stands by for %v", s.from.name, g.config.Confirm)
	g.mail.after(g.config.Confirm, func() {
		if g.swap == s {
			g.confirm(s)
		}
	})
}

// confirm ends a swap well: the release before it is let go.
func (g *Gateway) confirm(s *swap) {
	g.swap = nil
	if s.from != nil {
		g.previous = s.from
		g.retire(s.from)
		s.tell("release %s drains", s.from.name)
	}
	g.tally.swapEnded(s, swapConfirmed)
	g.tellOutcome(s, "")
}

// failSwap ends a swap whose release could not become active, or could not stay it. If a candidate is left, it is next.
func (g *Gateway) failSwap(s *swap, reason string) {
	g.endSwap(s, swapFailed, reason)
	if next := g.candidates(); len(next) > 0 && g.phase == phaseRunning {
		g.beginSwap(next[0], nil)
	}
}

func (g *Gateway) endSwap(s *swap, outcome, reason string) {
	g.swap = nil
	g.tally.swapEnded(s, outcome)
	g.setRelease(s.to, releaseFailed, reason)
	if s.active {
		g.active = s.from
		if s.from != nil {
			g.setRelease(s.from, releaseActive, "release "+s.to.name+" failed: "+reason)
		}
	}
	g.selectWorkers()
	if s.to.crew != nil {
		g.dismiss(s.to)
	}
	g.tellOutcome(s, reason)
}

func (g *Gateway) tellOutcome(s *swap, reason string) {
	if s.watch != nil {
		s.watch(admin.Progress{Step: "release " + s.to.name + " is " + s.to.state.String(), Done: true, Error: reason})
	}
}

// crashLimit is how many unasked ends of its workers a release may have while it is being confirmed.
const crashLimit = 3

// crashed: a worker of the release has ended, and nobody has asked it to.
func (g *Gateway) crashed(r *release, how string) {
	r.crashes++
	g.troubled(r, how)
}

// troubled: a worker of the release serves no more, and nobody has asked for that.
func (g *Gateway) troubled(r *release, why string) {
	r.trouble = why
	g.judge(r)
}

// judge ends the swap to a release whose workers have crashed too often, or of which none is left that serves, if there is
// one to fall back on. Of a process that the gateway has started it hears twice, in any order: that it ended, and that its
// control socket is closed.
func (g *Gateway) judge(r *release) {
	s := g.swap
	if s == nil || s.to != r || r.trouble == "" || g.patient(s) || g.phase != phaseRunning {
		return
	}
	switch {
	case !s.active && r.crashes > 0:
		g.failSwap(s, "a worker ended before the release was active: "+r.trouble)
	case s.active && g.canServe(s.from) && (r.crashes >= crashLimit || r.broken || g.servingOf(r) == 0):
		g.failSwap(s, fmt.Sprintf("within %v of becoming active %d of its workers ended and %d are left that serve, the last trouble was: %s",
			time.Since(r.since).Round(time.Millisecond), r.crashes, g.servingOf(r), r.trouble))
	}
}

// judgeSwap judges the release that is swapped to when there may be one to fall back on again.
func (g *Gateway) judgeSwap() {
	if g.swap != nil {
		g.judge(g.swap.to)
	}
}

var (
	errNotRunning   = errors.New("the gateway is stopping, expected one that runs")
	errNoPrevious   = errors.New("there is no release to go back to, expected one that was active (`gateway status` lists them)")
	errNoSupervisor = errors.New("this gateway starts no workers (it was started without --worker): start a worker of the new release instead")
)

// Swap starts the program beside the workers that serve and gives it the requests when it is ready. args nil keeps the
// arguments of the release that serves. watch is told of every step from then on, and last of the outcome; it must not
// block. The error says why nothing was begun.
func (g *Gateway) Swap(path string, args []string, watch func(admin.Progress)) error {
	return g.order(func() error {
		if g.config.Program == nil {
			return errNoSupervisor
		}
		program := *g.config.Program
		if g.active != nil && g.active.crew != nil {
			program = g.active.crew.program
		}
		if args == nil {
			args = program.Argv[1:]
		}
		if !filepath.IsAbs(path) {
			return fmt.Errorf("program %q is no absolute path, expected one", path)
		}
		program.Argv = append([]string{path}, args...)
		return g.swapTo(program, watch)
	})
}

// Refresh swaps to what lies now at the path of the program that serves, if that is another file. It tells whether it is.
func (g *Gateway) Refresh() (changed bool, err error) {
	err = g.order(func() error {
		if g.active == nil || g.active.crew == nil {
			return nil
		}
		c := g.active.crew
		found, err := buildAt(c.program.Argv[0])
		if err != nil {
			return err
		}
		if changed = found != c.build; !changed {
			return nil
		}
		g.log.Info("the worker's program has changed", "program", c.program.Argv[0], "was", c.build.path, "is", found.path)
		return g.swapTo(c.program, nil)
	})
	return changed, err
}

func (g *Gateway) swapTo(program Program, watch func(admin.Progress)) error {
	c, err := g.startCrew(program)
	if err != nil {
		return err
	}
	g.beginSwap(g.addRelease(c.name(), c), watch)
	return nil
}

// Rollback makes the release active again that was active before: at once, if the active one is still being confirmed.
func (g *Gateway) Rollback(watch func(admin.Progress)) error {
	return g.order(func() error {
		if s := g.swap; s != nil && s.active && s.from != nil {
			g.endSwap(s, swapRolledBack, "taken back by command")
			watch(admin.Progress{Step: "release " + s.from.name + " is active", Done: true})
			return nil
		}
		r := g.previous
		switch {
		case r == nil:
			return errNoPrevious
		case r.crew != nil:
			program := r.crew.program
			program.Build = r.crew.build.path // its path may lead to the build after it by now
			if err := g.swapTo(program, watch); err != nil {
				return err
			}
			count(&g.tally.rollbacks, rollbackCommand)
			return nil
		case g.readyOf(r) == 0:
			return fmt.Errorf("no worker of release %s is attached, expected one to be started first", r.name)
		case r.state != releaseRetired && r.state != releaseFailed:
			return fmt.Errorf("release %s is %s, expected it to be retired", r.name, r.state)
		}
		g.setRelease(r, releaseWarming, "")
		count(&g.tally.rollbacks, rollbackCommand)
		g.beginSwap(r, watch)
		return nil
	})
}

// order runs what an operator wants in the core.
func (g *Gateway) order(f func() error) error {
	var err error
	if !g.mail.call(func() {
		switch {
		case g.phase != phaseRunning:
			err = errNotRunning
		case g.upgrade != nil:
			err = errUpgrading
		case g.takeover != nil:
			err = errTakingOver
		default:
			err = f()
		}
	}) {
		err = errNotRunning
	}
	return err
}

// Drain lets a worker finish what it has and end. One that the gateway has started is replaced first, as if it were due to be
// recycled, or started again if it gets no requests or a swap is under way. Worker 0 is the gateway itself.
func (g *Gateway) Drain(worker uint64) error {
	if worker == 0 {
		g.Stop()
		return nil
	}
	return g.order(func() error {
		w := g.workers[worker]
		if w == nil || w.state > workerReady {
			return fmt.Errorf("worker %d is not attached or drains already, expected one that `gateway status` lists", worker)
		}
		if w.serial != 0 && w.release == g.active && g.readyFor(w) && g.swap == nil && !w.release.crew.held {
			w.dismissed = true
			g.recycleDue()
			return nil
		}
		g.drain(w)
		return nil
	})
}
