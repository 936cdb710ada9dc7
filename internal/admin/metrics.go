package admin

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ringway/internal/engine"
)

// metricsHandler answers GET /metrics in the formats that Prometheus asks for. Times are seconds, sizes bytes.
func metricsHandler(host Host) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&collector{host}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// collector makes metrics of a snapshot, so that nothing is counted twice or for nobody.
type collector struct{ host Host }

// Describe sends nothing: which metrics there are depends on what the gateway runs.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

func (c *collector) Collect(to chan<- prometheus.Metric) {
	s := c.host.Snapshot()
	collectGateway(to, &s)
	for _, loop := range s.Loops {
		collectLoop(to, &loop)
	}
	collectLatency(to, &s)
	collectRefusals(to, s.Loops)
	collectWorkers(to, &s)
	for _, lane := range s.Lanes {
		collectLane(to, &lane)
	}
	collectAccessLog(to, &s)
}

func metric(to chan<- prometheus.Metric, d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, kind, value, labels...)
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("ringway_"+name, help, labels, nil)
}

// series is a metric with a label for the loop, or for the worker and the loop.
type series[T any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*T) uint64
}

func loopCounter(name, help string, value func(*engine.LoopStats) uint64) series[engine.LoopStats] {
	return series[engine.LoopStats]{desc(name, help, "loop"), prometheus.CounterValue, value}
}

func loopGauge(name, help string, value func(*engine.LoopStats) uint64) series[engine.LoopStats] {
	return series[engine.LoopStats]{desc(name, help, "loop"), prometheus.GaugeValue, value}
}

var loopSeries = []series[engine.LoopStats]{
	loopGauge("connections_open", "Connections of clients that are open.", func(l *engine.LoopStats) uint64 { return l.ConnectionsOpen }),
	loopCounter("connections_accepted_total", "Connections that were accepted.", func(l *engine.LoopStats) uint64 { return l.ConnectionsAccepted }),
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
	answersDesc  = desc("answers_total", "Answers by the hundreds of their status.", "loop", "class")
	timeoutsDesc = desc("timeouts_total", "What took too long: a request, a connection's silence, a head, a body, or a client's taking its answer.", "loop", "of")
)

func collectLoop(to chan<- prometheus.Metric, l *engine.LoopStats) {
	index := strconv.Itoa(l.Index)
	for _, s := range loopSeries {
		metric(to, s.desc, s.kind, float64(s.value(l)), index)
	}
	for class, count := range l.Answers {
		metric(to, answersDesc, prometheus.CounterValue, float64(count), index, class)
	}
	for of, count := range map[string]uint64{
		"request": l.RequestTimeouts, "idle": l.IdleTimeouts, "head": l.HeadTimeouts, "body": l.BodyTimeouts, "send": l.SendTimeouts,
	} {
		metric(to, timeoutsDesc, prometheus.CounterValue, float64(count), index, of)
	}
}

var refusedDesc = desc("refused_total", "Requests and connections that were refused, by reason.", "reason")

func collectRefusals(to chan<- prometheus.Metric, loops []engine.LoopStats) {
	total := make(map[string]uint64)
	for _, loop := range loops {
		for reason, count := range loop.Refused {
			total[reason] += count
		}
	}
	for reason, count := range total {
		metric(to, refusedDesc, prometheus.CounterValue, float64(count), reason)
	}
}

var (
	queueDesc   = desc("request_queue_seconds", "From the head of a request until a handler began with it.")
	handlerDesc = desc("request_handler_seconds", "From there until the head of the answer was with the gateway.")
	totalDesc   = desc("request_duration_seconds", "From the head of a request until the last byte of its answer was handed to the kernel.")
)

func collectLatency(to chan<- prometheus.Metric, s *Snapshot) {
	for _, span := range []struct {
		desc *prometheus.Desc
		of   func(*engine.Latency) *engine.Histogram
	}{
		{queueDesc, func(l *engine.Latency) *engine.Histogram { return &l.Queue }},
		{handlerDesc, func(l *engine.Latency) *engine.Histogram { return &l.Handler }},
		{totalDesc, func(l *engine.Latency) *engine.Histogram { return &l.Total }},
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
