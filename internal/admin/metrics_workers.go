package admin

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"ringway/internal/engine"
)

var (
	infoMetric         = define(gauge, "build_info", "1; the version is a label.", "version")
	stateMetric        = define(gauge, "state", "1 for the state that the gateway is in: running, leaving, stopping, ending, ended.", "state")
	startTimeMetric    = define(gauge, "start_time_seconds", "When the gateway started, since 1970.")
	heapMetric         = define(gauge, "heap_bytes", "What the native half has from malloc, its free lists included.")
	listenersMetric    = define(gauge, "listeners", "Addresses on which clients are accepted.")
	reloadsMetric      = define(counter, "config_reloads_total", "How often the configuration was read again.", "outcome")
	loadedMetric       = define(gauge, "config_loaded_time_seconds", "When the configuration that is in force was read, since 1970.")
	needsRestartMetric = define(gauge, "config_needs_restart", "Keys whose value in the file is not the one in force.")
	releasesMetric     = define(gauge, "releases", "Releases by state.", "state")
)

func collectGateway(to chan<- prometheus.Metric, s *Snapshot) {
	infoMetric.send(to, 1, s.Gateway.Version)
	for _, name := range []string{"running", "leaving", "stopping", "ending", "ended"} {
		is := 0.0
		if name == s.Gateway.State {
			is = 1
		}
		stateMetric.send(to, is, name)
	}
	startTimeMetric.send(to, float64(s.Gateway.Started.UnixMilli())/1000)
	heapMetric.send(to, float64(s.Gateway.HeapBytes))
	listenersMetric.send(to, float64(len(s.Listeners)))
	if s.Config != nil {
		reloadsMetric.send(to, float64(s.Config.Reloads), "succeeded")
		reloadsMetric.send(to, float64(s.Config.Failures), "failed")
		loadedMetric.send(to, float64(s.Config.Loaded.UnixMilli())/1000)
		needsRestartMetric.send(to, float64(len(s.Config.NeedsRestart)))
	}
	states := map[string]uint64{"warming": 0, "active": 0, "standby": 0, "draining": 0, "retired": 0, "failed": 0}
	for _, release := range s.Releases {
		states[release.State]++
	}
	releasesMetric.sendEach(to, states)
}

var (
	workersMetric       = define(gauge, "workers", "Workers that are attached, by release and state.", "release", "state")
	inFlightMetric      = define(gauge, "worker_in_flight", "Requests that a worker has.", "worker", "release")
	stuckMetric         = define(gauge, "worker_stuck", "1 while a worker takes no events although some wait.", "worker", "release")
	workerMemoryMetric  = define(gauge, "worker_memory_bytes", "Resident set of a worker that the gateway has started, its segments included.", "worker", "release")
	attachedTimeMetric  = define(gauge, "worker_attached_time_seconds", "When a worker attached, since 1970.", "worker", "release")
	workerAnswersMetric = define(counter, "worker_answers_total", "Answers of a worker by the hundreds of their status.", "worker", "release", "class")
)

func collectWorkers(to chan<- prometheus.Metric, s *Snapshot) {
	groups := make(map[string]map[string]uint64)
	names := make(map[uint64]string)
	for _, w := range s.Workers {
		id, is := strconv.FormatUint(w.ID, 10), 0.0
		if w.Stuck {
			is = 1
		}
		if groups[w.Release] == nil {
			groups[w.Release] = map[string]uint64{"starting": 0, "ready": 0, "draining": 0, "gone": 0}
		}
		groups[w.Release][w.State]++
		names[w.ID] = w.Release
		inFlightMetric.send(to, float64(w.InFlight), id, w.Release)
		stuckMetric.send(to, is, id, w.Release)
		attachedTimeMetric.send(to, float64(w.Attached.UnixMilli())/1000, id, w.Release)
		if w.Memory > 0 {
			workerMemoryMetric.send(to, float64(w.Memory), id, w.Release)
		}
	}
	for release, states := range groups {
		workersMetric.sendEach(to, states, release)
	}
	total := make(map[uint64]map[string]uint64)
	for _, lane := range s.Lanes {
		if total[lane.Worker] == nil {
			total[lane.Worker] = make(map[string]uint64)
		}
		for class, count := range lane.Answers {
			total[lane.Worker][class] += count
		}
	}
	for worker, classes := range total {
		workerAnswersMetric.sendEach(to, classes, strconv.FormatUint(worker, 10), names[worker])
	}
}

func laneCounter(name, help string, value func(*engine.LaneStats) uint64) series[engine.LaneStats] {
	return series[engine.LaneStats]{define(counter, name, help, "worker", "loop"), value}
}

func laneGauge(name, help string, value func(*engine.LaneStats) uint64) series[engine.LaneStats] {
	return series[engine.LaneStats]{define(gauge, name, help, "worker", "loop"), value}
}

var laneSeries = []series[engine.LaneStats]{
	laneGauge("ring_slots", "Events that the inbound ring of a lane has room for.", func(l *engine.LaneStats) uint64 { return uint64(l.Slots) }),
	laneGauge("ring_depth", "Events that were published and not acknowledged.", func(l *engine.LaneStats) uint64 { return l.Depth }),
	laneGauge("ring_depth_peak", "The most events that were unacknowledged at once.", func(l *engine.LaneStats) uint64 { return l.HighWater }),
	laneCounter("ring_published_total", "Events that were published to the worker.", func(l *engine.LaneStats) uint64 { return l.Published }),
	laneCounter("ring_acknowledged_total", "Events that the worker has taken.", func(l *engine.LaneStats) uint64 { return l.Acknowledged }),
	laneCounter("ring_stalls_total", "How often a ring or an arena had no room.", func(l *engine.LaneStats) uint64 { return l.FullStalls }),
	laneGauge("exchange_slots", "Requests that a lane has room for.", func(l *engine.LaneStats) uint64 { return uint64(l.ExchangeSlots) }),
	laneGauge("exchanges_open", "Requests that a lane has.", func(l *engine.LaneStats) uint64 { return l.InFlight }),
	laneCounter("exchanges_completed_total", "Requests that the worker has let go of.", func(l *engine.LaneStats) uint64 { return l.Completed }),
	laneCounter("exchanges_cancelled_total", "Requests that the gateway cancelled.", func(l *engine.LaneStats) uint64 { return l.Cancelled }),
}

var (
	laneStateMetric = define(gauge, "lane_state", "1 for the state that a lane is in: standby, active, draining, dead.", "worker", "loop", "state")
	wakeupsMetric   = define(counter, "wakeups_total", "Wake-ups of the worker that were sent, and those that were not needed.", "worker", "loop", "outcome")
	arenaSizeMetric = define(gauge, "arena_bytes", "Size of the arenas of a lane.", "worker", "loop", "direction")
	arenaUsedMetric = define(gauge, "arena_used_bytes", "Bytes of an arena in use; outbound: answers that are being sent.", "worker", "loop", "direction")
	arenaPeakMetric = define(gauge, "arena_used_peak_bytes", "The most bytes of an arena that were in use at once.", "worker", "loop", "direction")
)

func collectLane(to chan<- prometheus.Metric, l *engine.LaneStats) {
	worker, loop := strconv.FormatUint(l.Worker, 10), strconv.Itoa(l.Loop)
	for _, s := range laneSeries {
		s.send(to, float64(s.value(l)), worker, loop)
	}
	laneStateMetric.send(to, 1, worker, loop, l.State)
	wakeupsMetric.sendEach(to, map[string]uint64{"sent": l.WakeupsSent, "avoided": l.WakeupsAvoided}, worker, loop)
	arenaSizeMetric.sendEach(to, map[string]uint64{"inbound": l.ArenaBytes, "outbound": l.ArenaBytes}, worker, loop)
	arenaUsedMetric.sendEach(to, map[string]uint64{"inbound": l.ArenaBytesInUse, "outbound": l.OutArenaBytesInUse}, worker, loop)
	arenaPeakMetric.sendEach(to, map[string]uint64{"inbound": l.ArenaHighWater, "outbound": l.OutArenaHighWater}, worker, loop)
}

var (
	logLinesMetric    = define(counter, "access_log_lines_total", "Lines written to the access log.")
	logBytesMetric    = define(counter, "access_log_bytes_total", "Bytes written to the access log.")
	logReopenedMetric = define(counter, "access_log_reopened_total", "How often the file was opened again.")
	logDroppedMetric  = define(counter, "access_log_dropped_total", "Lines that are missing: writing took too long (slow), or failed.", "reason")
)

func collectAccessLog(to chan<- prometheus.Metric, s *Snapshot) {
	if s.AccessLog == nil {
		return
	}
	logLinesMetric.send(to, float64(s.AccessLog.Lines))
	logBytesMetric.send(to, float64(s.AccessLog.Bytes))
	logReopenedMetric.send(to, float64(s.AccessLog.Reopened))
	logDroppedMetric.sendEach(to, map[string]uint64{"slow": s.AccessLog.DroppedSlow, "failed": s.AccessLog.DroppedFailed})
}
