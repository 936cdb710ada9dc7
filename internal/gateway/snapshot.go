package gateway

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"ringway/internal/admin"
	"ringway/internal/engine"
)

// Snapshot is what GET /stats answers. Safe for concurrent use.
func (g *Gateway) Snapshot() admin.Snapshot {
	stats := g.stats()
	snapshot := admin.Snapshot{
		Gateway: admin.Gateway{
			Pid: os.Getpid(), Version: g.config.Version, State: phaseEnded.String(), Started: g.started,
			UptimeSeconds: time.Since(g.started).Seconds(), Admin: g.AdminURL(), Socket: g.config.Socket,
			HeapBytes: stats.HeapBytes,
		},
		Listeners:     []admin.Listener{},
		Workers:       []admin.Worker{},
		Releases:      []admin.Release{},
		Supervisors:   []admin.Supervisor{},
		Loops:         stats.Loops,
		Lanes:         stats.Lanes,
		LatencyBounds: stats.LatencyBounds,
		Config:        g.configState(),
	}
	for _, listener := range g.listeners {
		snapshot.Listeners = append(snapshot.Listeners, admin.Listener{URL: listener.URL, Proxy: listener.Proxy})
	}
	inFlight, requests := make(map[uint64]uint64), make(map[uint64]uint64)
	for _, lane := range stats.Lanes {
		inFlight[lane.Worker] += lane.InFlight
		requests[lane.Worker] += lane.Completed
	}
	if !g.mail.look(func() { g.fill(&snapshot, inFlight, requests) }) {
		snapshot.Changes = newTally().snapshot()
	}
	if g.config.AccessLog != nil {
		stats := g.config.AccessLog.Stats()
		snapshot.AccessLog = &stats
	}
	slices.SortFunc(snapshot.Workers, func(a, b admin.Worker) int { return cmp.Compare(a.ID, b.ID) })
	return snapshot
}

// fill adds what the core knows; inFlight and requests are of workers by their numbers. Called by the core.
func (g *Gateway) fill(s *admin.Snapshot, inFlight, requests map[uint64]uint64) {
	s.Gateway.State = g.phase.String()
	if g.attempt != nil {
		attempt := *g.attempt
		s.Gateway.Upgrade = &attempt
	}
	for _, r := range g.releases {
		s.Releases = append(s.Releases, g.releaseState(r))
		if r.crew == nil || r.crew.ended && r != g.active {
			continue
		}
		state := g.supervisorState(r)
		if r == g.active {
			s.Supervisor = state
		}
		if !r.crew.ended {
			s.Supervisors = append(s.Supervisors, *state)
		}
	}
	if s.Supervisor == nil && len(s.Supervisors) > 0 {
		s.Supervisor = &s.Supervisors[0]
	}
	s.Changes = g.tally.snapshot()
	for id, w := range g.workers {
		s.Workers = append(s.Workers, admin.Worker{
			ID: id, Stuck: w.stuck > 0, Pid: w.peer.Pid, Uid: w.peer.UID, Release: w.peer.Release, Program: w.peer.Program,
			State: w.state.String(), Standby: g.standby(w), InFlight: inFlight[id], Requests: requests[id],
			Memory: max(w.memory, 0), Attached: w.peer.Attached,
		})
	}
}

// stats reads the engine's counters; there are none after its end.
func (g *Gateway) stats() engine.Stats {
	g.reading.RLock()
	defer g.reading.RUnlock()
	if g.unloaded {
		return engine.Stats{Loops: []engine.LoopStats{}, Lanes: []engine.LaneStats{}}
	}
	return g.engine.Stats()
}

// releaseState is called by the core.
func (g *Gateway) releaseState(r *release) admin.Release {
	state := admin.Release{
		Number: r.number, Name: r.name, State: r.state.String(), Since: r.since, Reason: r.reason,
		Workers: len(g.workersOf(r)), Ready: g.readyOf(r),
	}
	if r.crew != nil {
		state.Command = r.crew.program.Argv
	}
	return state
}

// standby says why a worker gets no requests; empty if it does. Called by the core.
func (g *Gateway) standby(w *worker) string {
	switch {
	case w.state > workerReady || w.release == g.active && !w.untried:
		return ""
	case g.recycling != nil && g.recycling.fresh == w:
		return fmt.Sprintf("is to replace worker %d", g.recycling.old.peer.ID)
	case w.untried:
		return "its process was given up"
	}
	return "release is " + w.release.state.String()
}

func (g *Gateway) supervisorState(r *release) *admin.Supervisor {
	c := r.crew
	state := &admin.Supervisor{Release: r.name, Program: c.program.Argv[0], Slots: c.supervisor.Status(), Recycling: g.recyclingState(c)}
	for _, slot := range state.Slots {
		state.Restarts += slot.Restarts
	}
	return state
}

func (g *Gateway) configState() *admin.Config {
	if configured := g.configured.Load(); configured != nil {
		return &configured.Config
	}
	return nil
}

// Configuration is what GET /config answers.
func (g *Gateway) Configuration() admin.Configuration {
	if configured := g.configured.Load(); configured != nil {
		return *configured
	}
	return admin.Configuration{Values: []admin.Value{}}
}

// LogLevel is that of the log.
func (g *Gateway) LogLevel() *slog.LevelVar { return g.config.LogLevel }

// Journal has the last changes of state.
func (g *Gateway) Journal() *admin.Journal { return g.journal }

// Requests returns up to limit of the requests in flight, and how many there are.
func (g *Gateway) Requests(limit int) ([]engine.Request, int, error) {
	g.reading.RLock()
	defer g.reading.RUnlock()
	if g.unloaded {
		return []engine.Request{}, 0, nil
	}
	return g.engine.Requests(limit)
}
