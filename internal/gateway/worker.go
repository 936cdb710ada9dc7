package gateway

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"ringway/internal/admin"
	"ringway/internal/control"
	"ringway/internal/engine"
)

// worker is the core's record of an attachment, from Attach until Released.
type worker struct {
	peer    *control.Worker
	release *release
	state   workerState
	// stuck is on how many loops it takes no events, since stuckSince on any.
	stuck      int
	stuckSince time.Time
	// serial is that of its process in its crew; 0 if the gateway has not started it.
	serial int
	// dismissed: it is to be replaced by command.
	dismissed bool
	// untried: it is to replace another worker, and has not shown yet that it serves.
	untried bool
	// requests and memory (bytes) of a supervised worker are those of a moment ago; memory is -1 where it cannot be read.
	requests uint64
	memory   int64
	spread   float64 // in [0, 1): how much earlier than others it is too old
	// leaving: the worker asked to stop, and may still be ready because it is the last.
	leaving bool
	// sentOn: it was asked to attach to the next gateway.
	sentOn bool
	// letGo: the drain packet was sent.
	letGo bool
}

var errStopping = errors.New("the gateway is stopping")

// host lets the control socket's conversations reach the core.
type host struct{ g *Gateway }

func (h host) Attach(w *control.Worker, sockets []int) error {
	var err error
	if !h.g.mail.call(func() { err = h.g.attach(w, sockets) }) {
		closeAll(sockets)
		err = errStopping
	}
	return err
}

func (h host) Ready(w *control.Worker) { h.g.mail.post(func() { h.g.ready(w.ID) }) }

func (h host) Leaving(w *control.Worker) { h.g.mail.post(func() { h.g.leaving(w.ID) }) }

func (h host) Gone(w *control.Worker, reason error) {
	h.g.mail.post(func() { h.g.gone(w.ID, reason) })
}

func (g *Gateway) attach(peer *control.Worker, sockets []int) error {
	if g.phase >= phaseEnding {
		closeAll(sockets)
		return errStopping
	}
	if peer.Crew != 0 && !g.hasStarted(peer.Crew) {
		closeAll(sockets)
		return errors.New("the worker was started by another gateway, before or after an upgrade, expected it to attach there")
	}
	err := g.engine.Attach(engine.Attachment{
		Worker: peer.ID, Inbound: peer.Segments.Inbound, Outbound: peer.Segments.Outbound,
		Geometry: peer.Geometry, Sockets: sockets,
	})
	if err != nil {
		closeAll(sockets)
		return fmt.Errorf("engine: %w", err)
	}
	crewNumber, serial := readTicket(peer.Crew)
	r, unknown := g.releaseOf(peer.Release, crewNumber)
	w := &worker{peer: peer, release: r, spread: rand.Float64()}
	if r.crew != nil {
		w.serial = serial
	}
	g.workers[peer.ID] = w
	g.adopt(w)
	g.journal.Add(admin.Event{Kind: "worker", Name: strconv.FormatUint(peer.ID, 10), State: workerStarting.String(), Reason: "release " + peer.Release})
	g.log.Info("worker is "+workerStarting.String(), "worker", peer.ID, "worker_pid", peer.Pid, "worker_uid", peer.UID,
		"release", peer.Release, "program", peer.Program)
	switch {
	case unknown && g.takeover != nil:
		g.takeover.late = append(g.takeover.late, r)
	case unknown && g.phase == phaseRunning:
		// A new release has come by itself: it is to replace the active one.
		g.beginSwap(r, nil)
	case r.state >= releaseDraining:
		g.log.Warn("worker gets no requests: its release is "+r.state.String(), "worker", peer.ID, "release", r.name, "reason", r.reason)
	}
	return nil
}

// ready: starting is the only state it can come in, unless the gateway drains the worker already.
func (g *Gateway) ready(id uint64) {
	w := g.workers[id]
	if w == nil || w.state != workerStarting {
		return
	}
	g.setState(w, workerReady)
	if w.untried {
		g.freshReady(w)
		return
	}
	if w.release == g.active {
		g.selectWorkers()
	}
	if g.handed || g.upgrade != nil && g.upgrade.workers {
		g.sendOn(w)
	}
	g.checkSwap()
	g.judgeSwap()
}

// leaving drains a worker that asks to stop. The last ready one serves on until Quiet while the gateway stops, and for a
// moment otherwise, in case the gateway is told to stop as well.
func (g *Gateway) leaving(id uint64) {
	w := g.workers[id]
	if w == nil || w.leaving || w.state > workerReady {
		return
	}
	w.leaving = true
	switch {
	case w.state == workerStarting || g.otherReady(w):
		g.drain(w)
	case g.phase == phaseRunning:
		g.mail.after(lastWorkerGrace, func() {
			if g.workers[id] == w && w.state == workerReady && (g.phase == phaseRunning || g.otherReady(w)) {
				g.drain(w)
			}
		})
	}
	if w.release.crew == nil {
		g.troubled(w.release, fmt.Sprintf("worker %d left", id))
	}
	g.checkSwap()
}

// otherReady tells whether a worker besides w can be given requests for good. One whose release is not the active one is
// not needed.
func (g *Gateway) otherReady(w *worker) bool {
	if w.release != g.active {
		return true
	}
	for _, other := range g.workers {
		if other != w && other.release == g.active && g.readyFor(other) {
			return true
		}
	}
	return false
}

// drain lets a worker finish what runs. It is let go when it is idle, and ended if that takes too long: after its upgraded
// connections, which it is told of.
func (g *Gateway) drain(w *worker) {
	g.setState(w, workerDraining)
	id := w.peer.ID
	g.engine.Drain(id)
	g.mail.after(g.config.DrainLimit, func() {
		if g.workers[id] == w && w.state == workerDraining {
			g.engine.EndStreams(id)
		}
	})
	g.mail.after(g.config.DrainLimit+streamGrace, func() {
		if g.workers[id] == w && w.state == workerDraining {
			g.log.Warn("worker is ended: the drain limit has passed", "worker", id, "worker_pid", w.peer.Pid, "drain_limit", g.config.DrainLimit)
			g.expect(w)
			g.end(w)
		}
	})
}

// idle: the last exchange of a draining worker has ended.
func (g *Gateway) idle(id uint64) {
	if w := g.workers[id]; w != nil && w.state == workerDraining {
		g.letGo(w)
	}
}

// letGo tells a worker that no requests will come any more.
func (g *Gateway) letGo(w *worker) {
	if w.letGo {
		return
	}
	w.letGo = true
	g.expect(w)
	if g.handed && w.release.crew == nil && !w.sentOn {
		// Told to end, it would; so it looks for the next gateway.
		w.peer.Disconnect()
		return
	}
	if err := w.peer.Drain(); err != nil {
		g.log.Warn("worker cannot be told to end", "worker", w.peer.ID, "worker_pid", w.peer.Pid, "error", err)
		w.peer.Disconnect()
	}
	if c := w.release.crew; c != nil && c.held {
		c.supervisor.Signal(w.peer.Pid, unix.SIGTERM)
	}
}

// expect: the end of the worker is wanted, and no sign that anything is wrong.
func (g *Gateway) expect(w *worker) {
	if w.serial != 0 {
		w.release.crew.supervisor.Expect(w.serial)
	}
}

// end ends a worker that may not go on. Gone follows.
func (g *Gateway) end(w *worker) {
	if err := w.peer.Kill(); err != nil {
		g.log.Warn("worker cannot be killed, only disconnected", "worker", w.peer.ID, "error", err)
	}
	w.peer.Disconnect()
}

// violation: the worker broke the rules of the ring.
func (g *Gateway) violation(id uint64, text string) {
	w := g.workers[id]
	if w == nil || w.state == workerGone {
		return
	}
	g.log.Error("worker is ended: it broke the ring protocol", "worker", id, "worker_pid", w.peer.Pid, "release", w.peer.Release, "violation", text)
	g.end(w)
}

// gone: the worker's control socket is closed, and with it, in all likelihood, the process ended.
func (g *Gateway) gone(id uint64, reason error) {
	w := g.workers[id]
	if w == nil || w.state == workerGone {
		return
	}
	if !w.letGo && !errors.Is(reason, control.ErrGone) {
		g.log.Warn("worker was disconnected", "worker", id, "worker_pid", w.peer.Pid, "reason", reason)
	}
	g.setState(w, workerGone)
	g.engine.Detach(id)
	if w.release.crew == nil && !w.letGo && !w.leaving && g.phase == phaseRunning {
		g.crashed(w.release, reason.Error())
	}
	g.recyclingGone(w)
	g.judge(w.release)
	g.checkSwap()
}

// released: nothing refers to the worker's segments any more (L6).
func (g *Gateway) released(id uint64) {
	w := g.workers[id]
	if w == nil || w.state != workerGone {
		return
	}
	delete(g.workers, id)
	g.free(w)
	g.checkRetired(w.release)
	g.log.Info("worker's segments are released", "worker", id, "attached", time.Since(w.peer.Attached).Round(time.Millisecond))
	g.checkEnded()
}

func (g *Gateway) free(w *worker) {
	if err := w.peer.Free(); err != nil {
		g.log.Error("segments cannot be dropped", "worker", w.peer.ID, "error", err)
	}
}

func closeAll(descriptors []int) {
	for _, fd := range descriptors {
		_ = unix.Close(fd)
	}
}

// stuck: on one loop the worker takes no events any more, or does again. One that is stuck on any for too long is ended.
func (g *Gateway) stuck(id uint64, begins bool) {
	w := g.workers[id]
	if w == nil || w.state == workerGone {
		return
	}
	if !begins {
		if w.stuck--; w.stuck == 0 {
			g.log.Info("worker takes requests again", "worker", id, "worker_pid", w.peer.Pid)
			g.judgeSwap()
		}
		return
	}
	if w.stuck++; w.stuck > 1 {
		return
	}
	g.log.Warn("worker is stuck: it takes no events; others get its requests", "worker", id, "worker_pid", w.peer.Pid, "release", w.release.name)
	g.limitStuck(w)
	g.troubled(w.release, fmt.Sprintf("worker %d is stuck", id))
	g.checkSwap()
}

// limitStuck ends a worker that stays stuck.
func (g *Gateway) limitStuck(w *worker) {
	id, since := w.peer.ID, time.Now()
	w.stuckSince = since
	if g.config.StuckLimit == 0 {
		return
	}
	g.mail.after(g.config.StuckLimit, func() {
		if g.workers[id] == w && w.stuck > 0 && w.stuckSince == since && w.state != workerGone {
			g.log.Error("worker is ended: it was stuck for too long", "worker", id, "worker_pid", w.peer.Pid, "limit", g.config.StuckLimit)
			g.end(w)
		}
	})
}
