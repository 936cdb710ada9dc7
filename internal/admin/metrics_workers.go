package admin

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"ringway/internal/engine"
)

var (
	infoDesc     = desc("build_info", "1; the version is a label.", "version")
	startDesc    = desc("start_time_seconds", "When the gateway started, since 1970.")
	heapDesc     = desc("heap_bytes", "What the native half has from malloc, its free lists included.")
	reloadsDesc  = desc("config_reloads_total", "How often the configuration was read again.", "outcome")
	releasesDesc = desc("releases", "Releases by state.", "state")
)

func collectGateway(to chan<- prometheus.Metric, s *Snapshot) {
	metric(to, infoDesc, prometheus.GaugeValue, 1, s.Gateway.Version)
	metric(to, startDesc, prometheus.GaugeValue, float64(s.Gateway.Started.UnixMilli())/1000)
	metric(to, heapDesc, prometheus.GaugeValue, float64(s.Gateway.HeapBytes))
	if s.Config != nil {
		metric(to, reloadsDesc, prometheus.CounterValue, float64(s.Config.Reloads), "succeeded")
		metric(to, reloadsDesc, prometheus.CounterValue, float64(s.Config.Failures), "failed")
	}
	states := make(map[string]int)
	for _, release := range s.Releases {
		states[release.State]++
	}
	for _, state := range []string{"warming", "active", "standby", "draining", "retired", "failed"} {
		metric(to, releasesDesc, prometheus.GaugeValue, float64(states[state]), state)
	}
}

var (
	workersDesc       = desc("workers", "Workers that are attached, by release and state.", "release", "state")
	inFlightDesc      = desc("worker_in_flight", "Requests that a worker has.", "worker", "release")
	stuckDesc         = desc("worker_stuck", "1 while a worker takes no events although some wait.", "worker", "release")
	workerAnswersDesc = desc("worker_answers_total", "Answers of a worker by the hundreds of their status.", "worker", "release", "class")
	restartsDesc      = desc("worker_restarts_total", "Processes of the active release that were started again.")
)

func collectWorkers(to chan<- prometheus.Metric, s *Snapshot) {
	type group struct{ release, state string }
	groups := make(map[group]int)
	releases := make(map[uint64]string)
	for _, w := range s.Workers {
		id, stuck := strconv.FormatUint(w.ID, 10), 0.0
		if w.Stuck {
			stuck = 1
		}
		groups[group{w.Release, w.State}]++
		releases[w.ID] = w.Release
		metric(to, inFlightDesc, prometheus.GaugeValue, float64(w.InFlight), id, w.Release)
		metric(to, stuckDesc, prometheus.GaugeValue, stuck, id, w.Release)
	}
	for g, count := range groups {
		metric(to, workersDesc, prometheus.GaugeValue, float64(count), g.release, g.state)
	}
	type answers struct {
		worker uint64
		class  string
	}
	total := make(map[answers]uint64)
	for _, lane := range s.Lanes {
		for class, count := range lane.Answers {
			total[answers{lane.Worker, class}] += count
		}
	}
	for of, count := range total {
		metric(to, workerAnswersDesc, prometheus.CounterValue, float64(count), strconv.FormatUint(of.worker, 10), releases[of.worker], of.class)
	}
	if s.Supervisor != nil {
		metric(to, restartsDesc, prometheus.CounterValue, float64(s.Supervisor.Restarts))
	}
}

func laneCounter(name, help string, value func(*engine.LaneStats) uint64) series[engine.LaneStats] {
	return series[engine.LaneStats]{desc(name, help, "worker", "loop"), prometheus.CounterValue, value}
}

func laneGauge(name, help string, value func(*engine.LaneStats) uint64) series[engine.LaneStats] {
	return series[engine.LaneStats]{desc(name, help, "worker", "loop"), prometheus.GaugeValue, value}
}

var laneSeries = []series[engine.LaneStats]{
	laneGauge("ring_slots", "Events that the inbound ring of a lane has room for.", func(l *engine.LaneStats) uint64 { return uint64(l.Slots) }),
	laneGauge("ring_depth", "Events that were published and not acknowledged.", func(l *engine.LaneStats) uint64 { return l.Depth }),
	laneGauge("ring_depth_peak", "The most events that were unacknowledged at once.", func(l *engine.LaneStats) uint64 { return l.HighWater }),
	laneCounter("ring_published_total", "Events that were published to the worker.", func(l *engine.LaneStats) uint64 { return l.Published }),
	laneCounter("ring_stalls_total", "How often a ring or an arena had no room.", func(l *engine.LaneStats) uint64 { return l.FullStalls }),
	laneCounter("exchanges_completed_total", "Requests that the worker has let go of.", func(l *engine.LaneStats) uint64 { return l.Completed }),
	laneCounter("exchanges_cancelled_total", "Requests that the gateway cancelled.", func(l *engine.LaneStats) uint64 { return l.Cancelled }),
}

var (
	wakeupsDesc = desc("wakeups_total", "Wake-ups of the worker that were sent, and those that were not needed.", "worker", "loop", "outcome")
	arenaDesc   = desc("arena_bytes", "Size of the arenas of a lane.", "worker", "loop", "direction")
	usedDesc    = desc("arena_used_bytes", "Bytes of an arena in use; outbound: answers that are being sent.", "worker", "loop", "direction")
	peakDesc    = desc("arena_used_peak_bytes", "The most bytes of an arena that were in use at once.", "worker", "loop", "direction")
)

func collectLane(to chan<- prometheus.Metric, l *engine.LaneStats) {
	worker, loop := strconv.FormatUint(l.Worker, 10), strconv.Itoa(l.Loop)
	for _, s := range laneSeries {
		metric(to, s.desc, s.kind, float64(s.value(l)), worker, loop)
	}
	metric(to, wakeupsDesc, prometheus.CounterValue, float64(l.WakeupsSent), worker, loop, "sent")
	metric(to, wakeupsDesc, prometheus.CounterValue, float64(l.WakeupsAvoided), worker, loop, "avoided")
	for _, arena := range []struct {
		direction  string
		used, peak uint64
	}{
		{"inbound", l.ArenaBytesInUse, l.ArenaHighWater},
		{"outbound", l.OutArenaBytesInUse, l.OutArenaHighWater},
	} {
		metric(to, arenaDesc, prometheus.GaugeValue, float64(l.ArenaBytes), worker, loop, arena.direction)
		metric(to, usedDesc, prometheus.GaugeValue, float64(arena.used), worker, loop, arena.direction)
		metric(to, peakDesc, prometheus.GaugeValue, float64(arena.peak), worker, loop, arena.direction)
	}
}

var (
	logLinesDesc   = desc("access_log_lines_total", "Lines written to the access log.")
	logBytesDesc   = desc("access_log_bytes_total", "Bytes written to the access log.")
	logDroppedDesc = desc("access_log_dropped_total", "Lines that are missing: writing took too long, or failed.", "reason")
)

func collectAccessLog(to chan<- prometheus.Metric, s *Snapshot) {
	if s.AccessLog == nil {
		return
	}
	metric(to, logLinesDesc, prometheus.CounterValue, float64(s.AccessLog.Lines))
	metric(to, logBytesDesc, prometheus.CounterValue, float64(s.AccessLog.Bytes))
	metric(to, logDroppedDesc, prometheus.CounterValue, float64(s.AccessLog.DroppedSlow), "slow")
	metric(to, logDroppedDesc, prometheus.CounterValue, float64(s.AccessLog.DroppedFailed), "failed")
}
