package gateway

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"ringway/internal/admin"
	"ringway/internal/handover"
)

// upgrade is the way of another gateway to this one's place, as the one that runs sees it. There is at most one at a time.
type upgrade struct {
	next    *handover.Successor
	told    string // last step
	workers bool   // those that come by themselves were asked to attach there, too
	serve   bool   // the new gateway was told to serve
	failing string // why the new gateway is being ended
	watch   func(admin.Progress)
}

const (
	// serveLimit bounds the time from the word that the new gateway is to serve to its answer that it does.
	serveLimit = 10 * time.Second
	// idleGrace is how long connections of a gateway that has handed over may stay idle, waiting for a request whose answer
	// tells them to go.
	idleGrace = 5 * time.Second
)

var (
	errFirstProcess = errors.New("the gateway is process 1, whose end is that of its container: start another container instead")
	errUpgrading    = errors.New("an upgrade of the gateway is under way, expected its end to be waited for")
	errSwapping     = errors.New("a swap is under way, expected its end to be waited for")
)

// Upgrade starts another gateway with the arguments of this one, hands everything over to it and ends. An empty program is
// the one that runs. watch is told of every step, and last of the outcome; it must not block. After an error, or an outcome
// with one, this gateway serves on.
func (g *Gateway) Upgrade(program string, watch func(admin.Progress)) error {
	return g.order(func() error {
		if program == "" {
			program = g.config.Self
		}
		if watch == nil {
			watch = func(admin.Progress) {}
		}
		err := g.beginUpgrade(program, watch)
		if err != nil {
			count(&g.tally.upgrades, upgradeFailed)
			g.attempt = &admin.Upgrade{Program: program, State: "failed", Since: time.Now(), Reason: err.Error()}
		}
		return err
	})
}

func (g *Gateway) beginUpgrade(program string, watch func(admin.Progress)) error {
	switch {
	case g.pid == 1:
		return errFirstProcess
	case !filepath.IsAbs(program):
		return fmt.Errorf("program %q is no absolute path, expected one", program)
	case g.swap != nil && (g.swap.active || !g.patient(g.swap)):
		return errSwapping
	}
	if err := g.checkReattaching(); err != nil {
		return err
	}
	if r := g.recycling; r != nil && !r.promoted {
		g.callOff(r) // the fresh worker could not attach
	}
	g.control.Pause()
	next, err := handover.Start(program, g.describe)
	if err != nil {
		g.control.Resume()
		return err
	}
	u := &upgrade{next: next, watch: watch}
	g.upgrade = u
	g.attempt = &admin.Upgrade{Program: program, Pid: next.Pid, State: "starting", Since: time.Now()}
	g.tellUpgrade(u, fmt.Sprintf("gateway %s starts as process %d", program, next.Pid))
	go g.listenTo(u)
	g.mail.after(g.config.ReadyLimit, func() {
		if !u.serve {
			g.failUpgrade(u, fmt.Sprintf("the new gateway was not ready within %v; its last step: %s", g.config.ReadyLimit, u.told))
		}
	})
	return nil
}

// checkReattaching: if the requests are with workers that come by themselves, one of them at least has to know how to come
// to two gateways, or nobody would serve after the change.
func (g *Gateway) checkReattaching() error {
	if g.active == nil || g.active.crew != nil || g.readyOf(g.active) == 0 || g.reattaching(g.active) > 0 {
		return nil
	}
	return fmt.Errorf("no worker of release %s can be attached to two gateways, expected a build with a newer library", g.active.name)
}

// reattaching counts the workers of a release that can come to the next gateway before this one has ended.
func (g *Gateway) reattaching(r *release) int {
	count := 0
	for _, w := range g.workersOf(r) {
		if w.state == workerReady && !w.leaving && w.peer.Reattaches {
			count++
		}
	}
	return count
}

// describe tells the next gateway what it is given.
func (g *Gateway) describe(give func(fd int) int) (handover.State, error) {
	s := handover.State{LastCrew: g.lastCrew, Upgrades: g.tally.upgrades[upgradeSucceeded], FailedUpgrades: g.tally.upgrades[upgradeFailed]}
	for _, listener := range g.listeners {
		s.Listeners = append(s.Listeners, listener.Pass(give))
	}
	var err error
	if s.Control, err = g.control.Pass(give); err != nil {
		return s, err
	}
	if g.admin != nil {
		passed, err := g.admin.Pass(give)
		if err != nil {
			return s, err
		}
		s.Admin = &passed
	}
	if g.config.Program != nil {
		s.Configured = g.config.Program.Argv
	}
	for _, r := range g.releases {
		told := handover.Release{Name: r.name, Reason: r.reason, Failed: r.state == releaseFailed, Part: handover.Past}
		if r.crew != nil {
			told.Command, told.Build = r.crew.program.Argv, r.crew.build.path
		}
		switch {
		case r == g.active:
			told.Part, told.Expected = handover.Active, g.reattaching(r)
		case r == g.previous:
			told.Part = handover.Previous
		case r.crew != nil || r.state == releaseWarming:
			continue
		}
		s.Releases = append(s.Releases, told)
	}
	return s, nil
}

// listenTo passes what the new gateway says to the core, and last that it says no more.
func (g *Gateway) listenTo(u *upgrade) {
	for {
		m, err := u.next.Line.Receive()
		if err != nil {
			reason := "the new gateway has let go of the line to this one"
			select {
			case <-u.next.Ended():
				reason = "the new gateway ended before it served: " + u.next.Exit()
			case <-time.After(killGrace):
			}
			g.mail.post(func() { g.failUpgrade(u, reason) })
			return
		}
		g.mail.post(func() { g.hear(u, m) })
	}
}

func (g *Gateway) hear(u *upgrade, m handover.Message) {
	if g.upgrade != u || u.failing != "" {
		return
	}
	if m.Step != "" {
		g.tellUpgrade(u, m.Step)
	}
	switch {
	case m.Error != "":
		g.failUpgrade(u, m.Error)
	case m.Word == handover.WordWorkers:
		u.workers = true
		for _, w := range g.workers {
			if w.state == workerReady {
				g.sendOn(w)
			}
		}
	case m.Word == handover.WordReady:
		g.tellUpgrade(u, "the new gateway is ready")
		u.serve = true
		if err := u.next.Line.Send(handover.Message{Word: handover.WordServe}); err != nil {
			g.failUpgrade(u, fmt.Sprintf("the new gateway cannot be told to serve: %v", err))
		}
		g.mail.after(serveLimit, func() {
			g.failUpgrade(u, fmt.Sprintf("the new gateway was told to serve and did not within %v", serveLimit))
		})
	case m.Word == handover.WordServing:
		g.handOver(u)
	}
}

// sendOn asks a ready worker to attach to the gateway that is to take over, or has, if it has come by itself.
func (g *Gateway) sendOn(w *worker) {
	if w.release.crew != nil || !w.peer.Reattaches || w.sentOn {
		return
	}
	if err := w.peer.Reattach(); err != nil {
		g.log.Warn("worker cannot be asked to attach again", "worker", w.peer.ID, "worker_pid", w.peer.Pid, "error", err)
		return
	}
	w.sentOn = true
}

func (g *Gateway) tellUpgrade(u *upgrade, step string) {
	u.told = step
	g.log.Info("upgrade", "step", step, "successor_pid", u.next.Pid)
	u.watch(admin.Progress{Step: step})
}

// failUpgrade ends the new gateway. Until it has ended nothing else is begun, and nobody attaches.
func (g *Gateway) failUpgrade(u *upgrade, reason string) {
	if g.upgrade != u || u.failing != "" {
		return
	}
	u.failing = reason
	g.log.Error("the upgrade has failed; this gateway serves on", "reason", reason, "successor_pid", u.next.Pid)
	go func() {
		u.next.End(killGrace)
		g.mail.post(func() {
			g.upgrade = nil
			u.next.Line.Close()
			for _, w := range g.workers {
				w.sentOn = false
			}
			g.control.Resume()
			count(&g.tally.upgrades, upgradeFailed)
			g.attempt.State, g.attempt.Since, g.attempt.Reason = "failed", time.Now(), reason
			u.watch(admin.Progress{Step: "the new gateway has ended, this one serves on", Done: true, Error: reason})
			g.checkEnded()
		})
	}()
}

// handOver: the new gateway accepts clients and workers. This one finishes what it has and ends, and leaves alone what both
// had.
func (g *Gateway) handOver(u *upgrade) {
	g.upgrade, g.handed = nil, true
	g.enter(phaseStopping)
	g.successor = u.next.Pid
	close(g.stopping)
	for _, listener := range g.listeners {
		listener.Disown()
		listener.Close()
	}
	g.engine.HandOver()
	g.control.Leave()
	g.tellUpgrade(u, fmt.Sprintf("gateway process %d serves", u.next.Pid))
	u.watch(admin.Progress{Step: fmt.Sprintf("gateway process %d drains", g.pid), Done: true})
	if g.admin != nil {
		g.admin.Disown()
		go g.admin.Close()
	}
	u.next.Line.Close()
	g.mail.after(idleGrace, func() {
		if g.phase == phaseStopping {
			g.engine.StopAccepting()
		}
	})
	g.limitDrain()
}
