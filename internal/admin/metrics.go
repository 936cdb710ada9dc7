package admin

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
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
	collectProcesses(to, &s)
	collectChanges(to, &s.Changes)
	for _, lane := range s.Lanes {
		collectLane(to, &lane)
	}
	collectAccessLog(to, &s)
}

// kind is what a metric does, by its name in Prometheus' text format.
type kind string

const (
	counter   kind = "counter"
	gauge     kind = "gauge"
	histogram kind = "histogram"
)

// definition is all that is fixed of a metric.
type definition struct {
	desc   *prometheus.Desc
	kind   kind
	name   string
	help   string
	labels []string
}

// definitions are all metrics of the gateway's own, in the order in which they were defined.
var definitions []*definition

func define(k kind, name, help string, labels ...string) *definition {
	d := &definition{prometheus.NewDesc("ringway_"+name, help, labels, nil), k, "ringway_" + name, help, labels}
	definitions = append(definitions, d)
	return d
}

// send sends one value, with the labels' values in the order of their definition.
func (d *definition) send(to chan<- prometheus.Metric, value float64, labels ...string) {
	as := prometheus.GaugeValue
	if d.kind == counter {
		as = prometheus.CounterValue
	}
	// Names of releases are what workers say; a metric with bytes that are no UTF-8 would make the whole answer fail.
	for i, label := range labels {
		labels[i] = strings.ToValidUTF8(label, "\ufffd")
	}
	to <- prometheus.MustNewConstMetric(d.desc, as, value, labels...)
}

// sendEach sends a value for each key, which is the last label.
func (d *definition) sendEach(to chan<- prometheus.Metric, values map[string]uint64, labels ...string) {
	for key, value := range values {
		d.send(to, float64(value), append(labels[:len(labels):len(labels)], key)...)
	}
}

// series is a metric with a label for the loop, or for the worker and the loop.
type series[T any] struct {
	*definition
	value func(*T) uint64
}
