package gateway

import (
	"time"

	"golang.org/x/sys/unix"
)

// Stop begins the clean end: for the drain delay the gateway is not ready any more but serves on, then it takes no new
// connections, and what is in flight finishes. Further calls do nothing.
func (g *Gateway) Stop() { g.mail.post(g.leave) }

// StopNow is Stop without the delay, or its end.
func (g *Gateway) StopNow() { g.mail.post(g.stop) }

// Cut ends at once what has not finished yet.
func (g *Gateway) Cut() { g.mail.post(g.cut) }

func (g *Gateway) leave() {
	switch {
	case g.phase != phaseRunning:
	case g.config.DrainDelay == 0 || g.takeover != nil:
		g.stop()
	default:
		g.giveUpUpgrade()
		g.enter(phaseLeaving)
		close(g.stopping)
		g.engine.AnnounceStop()
		g.mail.after(g.config.DrainDelay, g.stop)
	}
}

func (g *Gateway) stop() {
	switch g.phase {
	case phaseRunning:
		close(g.stopping)
	case phaseLeaving:
	default:
		return
	}
	g.giveUpUpgrade()
	g.enter(phaseStopping)
	// Also removes the paths of unix sockets, so that another gateway can have them. Before the engine closes the last
	// descriptors: it takes in who waits.
	for _, listener := range g.listeners {
		listener.Close()
	}
	g.engine.StopAccepting()
	g.limitDrain()
}

func (g *Gateway) giveUpUpgrade() {
	if g.upgrade != nil {
		g.failUpgrade(g.upgrade, "the gateway was told to stop")
	}
}

// limitDrain cuts what has not finished within the drain limit.
func (g *Gateway) limitDrain() {
	g.drainEnd = time.Now().Add(g.config.DrainLimit)
	g.mail.after(g.config.DrainLimit, func() {
		if g.phase == phaseStopping {
			g.log.Warn("connections are cut: the drain limit has passed", "drain_limit", g.config.DrainLimit)
		}
		g.cut()
	})
}

func (g *Gateway) cut() {
	if g.cutting || g.phase == phaseEnded {
		return
	}
	g.stop()
	g.cutting = true
	if g.phase == phaseStopping {
		g.engine.Cut()
		g.mail.after(cutGrace, g.quiet)
		return
	}
	for _, w := range g.workers {
		g.letGoNow(w)
	}
	g.mail.after(killGrace, g.killWorkers)
}

// quiet: no connection is left. Now the workers are let go, and none is started any more.
func (g *Gateway) quiet() {
	if g.phase != phaseStopping {
		return
	}
	g.enter(phaseEnding)
	for _, w := range g.workers {
		switch {
		case g.cutting:
			// Exchanges that were cut may never end, so there is no point in waiting for Idle.
			g.letGoNow(w)
		case w.state <= workerReady:
			g.drain(w)
		}
	}
	for _, r := range g.releases {
		if r.crew != nil {
			g.dismissCrew(r)
		}
	}
	wait := killGrace
	if !g.cutting {
		wait = max(wait, time.Until(g.drainEnd))
	}
	g.mail.after(wait, g.killWorkers)
	g.checkEnded()
}

// letGoNow lets a worker go without waiting until it is idle.
func (g *Gateway) letGoNow(w *worker) {
	if w.state <= workerReady {
		g.drain(w)
	}
	if w.state == workerDraining {
		g.letGo(w)
	}
}

// killWorkers ends the processes that the gateway started, and disconnects all workers: one that the gateway has not
// started may attach to the next gateway.
func (g *Gateway) killWorkers() {
	if g.phase != phaseEnding || g.killing {
		return
	}
	g.killing = true
	for _, w := range g.workers {
		g.log.Warn("worker is disconnected: it did not end in time", "worker", w.peer.ID, "worker_pid", w.peer.Pid, "state", w.state.String())
		w.peer.Disconnect()
	}
	for _, c := range g.crews() {
		c.supervisor.SignalAll(unix.SIGKILL)
	}
	g.mail.after(releaseGrace, g.ended)
}

// checkEnded ends the core when nothing is left to wait for.
func (g *Gateway) checkEnded() {
	if g.phase == phaseEnding && len(g.workers) == 0 && len(g.crews()) == 0 && g.upgrade == nil {
		g.ended()
	}
}

func (g *Gateway) ended() {
	if g.phase == phaseEnding {
		g.enter(phaseEnded)
	}
}
