package admin

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"ringway/internal/engine"
)

func loopCounter(name, help string, value func(*engine.LoopStats) uint64) series[engine.LoopStats] {
	return series[engine.LoopStats]{define(counter, name, help, "loop"), value}
}

func loopGauge(name, help string, value func(*engine.LoopStats) uint64) series[engine.LoopStats] {
	return series[engine.LoopStats]{define(gauge, name, help, "loop"), value}
}

var loopSeries = []series[engine.LoopStats]{
	loopGauge("connections_open", "Connections of clients that are open.", func(l *engine.LoopStats) uint64 { return l.ConnectionsOpen }),
	loopGauge("connections_busy", "Open connections with a request whose answer is not sent whole; upgraded ones, too. The others are idle.", func(l *engine.LoopStats) uint64 { return l.ConnectionsBusy }),
	loopCounter("connections_accepted_total", "Connections that were accepted.", func(l *engine.LoopStats) uint64 { return l.ConnectionsAccepted }),
	loopGauge("connections_upgraded", "Connections that speak another protocol now.", func(l *engine.LoopStats) uint64 { return l.Upgraded }),
	loopCounter("connections_upgrades_total", "Connections that have begun to speak another protocol.", func(l *engine.LoopStats) uint64 { return l.UpgradedEver }),
	loopCounter("connections_cut_total", "Connections cut in the middle of an answer.", func(l *engine.LoopStats) uint64 { return l.Cut }),
	loopCounter("requests_total", "Requests whose head was understood.", func(l *engine.LoopStats) uint64 { return l.Requests }),
	loopCounter("native_answers_total", "Requests answered by the gateway itself.", func(l *engine.LoopStats) uint64 { return l.NativeAnswers }),
	loopCounter("static_answers_total", "Requests for paths of static files.", func(l *engine.LoopStats) uint64 { return l.StaticAnswers }),
	loopCounter("static_bytes_total", "Bytes of static files.", func(l *engine.LoopStats) uint64 { return l.StaticBytes }),
	loopCounter("files_total", "Files that workers handed over to be sent.", func(l *engine.LoopStats) uint64 { return l.Files }),
	loopCounter("file_bytes_total", "Bytes sent of files that workers handed over.", func(l *engine.LoopStats) uint64 { return l.FileBytes }),
	loopCounter("received_bytes_total", "Bytes received from clients.", func(l *engine.LoopStats) uint64 { return l.BytesIn }),
	loopCounter("sent_bytes_total", "Bytes sent to clients.", func(l *engine.LoopStats) uint64 { return l.BytesOut }),
	loopGauge("aside_bytes", "Bytes of answers that are held in the gateway's own memory for slow clients.", func(l *engine.LoopStats) uint64 { return l.AsideBytes }),
	loopCounter("evicted_total", "Answers that were given up because too much was held for slow clients.", func(l *engine.LoopStats) uint64 { return l.Evicted }),
	loopGauge("parked", "Requests that wait because no worker can take them.", func(l *engine.LoopStats) uint64 { return l.Parked }),
	loopGauge("parked_peak", "The most requests that were parked at once.", func(l *engine.LoopStats) uint64 { return l.ParkedHighWater }),
	loopCounter("expired_total", "Requests that waited past the queue deadline.", func(l *engine.LoopStats) uint64 { return l.Expired }),
	loopCounter("park_refused_total", "Requests refused because the park limit was reached.", func(l *engine.LoopStats) uint64 { return l.ParkRefused }),
	loopCounter("redispatched_total", "Requests given to another worker because the first one died.", func(l *engine.LoopStats) uint64 { return l.Redispatched }),
	loopCounter("retried_total", "Requests given to another worker although a handler of the first one may have run.", func(l *engine.LoopStats) uint64 { return l.Retried }),
	loopCounter("taken_back_total", "Requests taken back from workers that were stuck.", func(l *engine.LoopStats) uint64 { return l.TakenBack }),
	loopCounter("lost_total", "Requests that failed because their worker died.", func(l *engine.LoopStats) uint64 { return l.Lost }),
	loopCounter("violations_total", "Workers that were ended because they broke the ring protocol.", func(l *engine.LoopStats) uint64 { return l.Violations }),
	loopCounter("allocations_total", "Heap allocations of the loop.", func(l *engine.LoopStats) uint64 { return l.Allocations }),
	loopCounter("iterations_total", "Turns of the loop.", func(l *engine.LoopStats) uint64 { return l.Iterations }),
	loopCounter("access_records_dropped_total", "Access records for which the loop had no room.", func(l *engine.LoopStats) uint64 { return l.AccessDropped }),
}

var (
	answersMetric  = define(counter, "answers_total", "Answers by the hundreds of their status.", "loop", "class")
	timeoutsMetric = define(counter, "timeouts_total", "What took too long: a request, a connection's silence (idle; upgraded: of another protocol), a head, a body, or a client's taking its answer (send).", "loop", "of")
)

func collectLoop(to chan<- prometheus.Metric, l *engine.LoopStats) {
	index := strconv.Itoa(l.Index)
	for _, s := range loopSeries {
		s.send(to, float64(s.value(l)), index)
	}
	answersMetric.sendEach(to, l.Answers, index)
	timeoutsMetric.sendEach(to, map[string]uint64{
		"request": l.RequestTimeouts, "idle": l.IdleTimeouts, "upgraded": l.UpgradeTimeouts, "head": l.HeadTimeouts, "body": l.BodyTimeouts,
		"send": l.SendTimeouts,
	}, index)
}

var refusedMetric = define(counter, "refused_total", "Requests and connections that were refused, by reason.", "reason")

func collectRefusals(to chan<- prometheus.Metric, loops []engine.LoopStats) {
	total := make(map[string]uint64)
	for _, loop := range loops {
		for reason, count := range loop.Refused {
			total[reason] += count
		}
	}
	refusedMetric.sendEach(to, total)
}

var (
	queueTimeMetric   = define(histogram, "request_queue_seconds", "From the head of a request until a handler began with it.")
	handlerTimeMetric = define(histogram, "request_handler_seconds", "From there until the head of the answer was with the gateway.")
	totalTimeMetric   = define(histogram, "request_duration_seconds", "From the head of a request until the last byte of its answer was handed to the kernel.")
)

func collectLatency(to chan<- prometheus.Metric, s *Snapshot) {
	for _, span := range []struct {
		*definition
		of func(*engine.Latency) *engine.Histogram
	}{
		{queueTimeMetric, func(l *engine.Latency) *engine.Histogram { return &l.Queue }},
		{handlerTimeMetric, func(l *engine.Latency) *engine.Histogram { return &l.Handler }},
		{totalTimeMetric, func(l *engine.Latency) *engine.Histogram { return &l.Total }},
	} {
		counts := make([]uint64, len(s.LatencyBounds)+1)
		sum := 0.0
		for _, loop := range s.Loops {
			h := span.of(&loop.Latency)
			sum += float64(h.SumNanoseconds) / 1e9
			for i := range min(len(counts), len(h.Counts)) {
				counts[i] += h.Counts[i]
			}
		}
		buckets := make(map[float64]uint64, len(counts))
		total := uint64(0)
		for i, count := range counts {
			total += count
			if i < len(s.LatencyBounds) {
				buckets[float64(s.LatencyBounds[i])/1e9] = total
			}
		}
		to <- prometheus.MustNewConstHistogram(span.desc, total, sum, buckets)
	}
}
