package gateway

import (
	"fmt"
	"slices"
	"strconv"

	"ringway/internal/admin"
)

// phase is where the gateway stands.
type phase int

const (
	phaseRunning  phase = iota // clients are accepted
	phaseLeaving               // likewise, but whoever asks is told to send them elsewhere
	phaseStopping              // what is in flight finishes; waits for Quiet
	phaseEnding                // no client is left; workers are let go
	phaseEnded                 // nothing is left
)

func (p phase) String() string {
	return [...]string{"running", "leaving", "stopping", "ending", "ended"}[p]
}

var phaseTransitions = map[phase][]phase{
	phaseRunning:  {phaseLeaving, phaseStopping},
	phaseLeaving:  {phaseStopping},
	phaseStopping: {phaseEnding},
	phaseEnding:   {phaseEnded},
	phaseEnded:    nil,
}

// enter is the only way to change the phase.
func (g *Gateway) enter(next phase) {
	if !slices.Contains(phaseTransitions[g.phase], next) {
		panic(fmt.Sprintf("gateway: phase %s cannot follow %s", next, g.phase))
	}
	g.log.Info("gateway is "+next.String(), "was", g.phase.String())
	g.journal.Add(admin.Event{Kind: "gateway", State: next.String(), Was: g.phase.String()})
	g.phase = next
}

// workerState is where a worker stands.
type workerState int

const (
	workerStarting workerState = iota // attached; maps its segments
	workerReady                       // gets requests
	workerDraining                    // gets no new ones; finishes what runs
	workerGone                        // its control socket is closed; the engine still consumes what it left
)

func (s workerState) String() string {
	return [...]string{"starting", "ready", "draining", "gone"}[s]
}

var workerTransitions = map[workerState][]workerState{
	workerStarting: {workerReady, workerDraining, workerGone},
	workerReady:    {workerDraining, workerGone},
	workerDraining: {workerGone},
	workerGone:     nil,
}

// setState is the only way to change a worker's state.
func (g *Gateway) setState(w *worker, next workerState) {
	if !slices.Contains(workerTransitions[w.state], next) {
		panic(fmt.Sprintf("gateway: worker %d cannot become %s from %s", w.peer.ID, next, w.state))
	}
	g.log.Info("worker is "+next.String(), "worker", w.peer.ID, "worker_pid", w.peer.Pid, "release", w.peer.Release)
	g.journal.Add(admin.Event{Kind: "worker", Name: strconv.FormatUint(w.peer.ID, 10), State: next.String(), Was: w.state.String(), Reason: "release " + w.peer.Release})
	w.state = next
}
