package main

import (
	"fmt"
	"strings"
)

// goal is one thing the project wants to reach: a ratio or a size with a limit.
type goal struct {
	title   string
	value   func(r recorded) (float64, error)
	limit   float64
	atLeast bool   // the value must not be below the limit; else not above it
	unit    string // "x" for ratios
}

// metric is one of the medians of a summary.
type metric func(summary) float64

func rate(s summary) float64 { return s.PerSecond }
func cpu(s summary) float64  { return s.CPU }
func p50(s summary) float64  { return s.P50 }
func p99(s summary) float64  { return s.P99 }

// ratio compares a metric of two targets; both sides may have loads of their own.
func ratio(m metric, target, load, other, otherLoad string) func(recorded) (float64, error) {
	return func(r recorded) (float64, error) {
		a, err := r.figure(target, load)
		if err != nil {
			return 0, err
		}
		b, err := r.figure(other, otherLoad)
		if err != nil {
			return 0, err
		}
		if m(b) == 0 {
			return 0, fmt.Errorf("%s is 0 on %s", otherLoad, other)
		}
		return m(a) / m(b), nil
	}
}

// figure is a valid summary, or the reason why there is none.
func (r recorded) figure(target, load string) (summary, error) {
	if r.compare == nil {
		return summary{}, fmt.Errorf("not measured")
	}
	s := r.compare.summary(target, load)
	switch {
	case s.Runs == 0:
		return s, fmt.Errorf("%s not measured on %s", load, target)
	case !s.ok():
		return s, fmt.Errorf("%s on %s has %d invalid runs: %s", load, target, s.Invalid, s.Why)
	}
	return s, nil
}

// bestNginx compares a metric on `/` with the nginx setting that is best in that very metric.
func bestNginx(m metric, highest bool) func(recorded) (float64, error) {
	return func(r recorded) (float64, error) {
		ours, err := r.figure("handler", "hello")
		if err != nil {
			return 0, err
		}
		best := 0.0
		for _, t := range r.compare.Targets {
			if !strings.HasPrefix(t.Name, "nginx") {
				continue
			}
			s, err := r.figure(t.Name, "hello")
			if err != nil {
				return 0, err
			}
			if value := m(s); best == 0 || (value > best) == highest {
				best = value
			}
		}
		if best == 0 {
			return 0, fmt.Errorf("nginx not measured")
		}
		return m(ours) / best, nil
	}
}

func fromMemory(pick func(*memoryReport) (float64, error)) func(recorded) (float64, error) {
	return func(r recorded) (float64, error) {
		if r.memory == nil {
			return 0, fmt.Errorf("not measured")
		}
		return pick(r.memory)
	}
}

func fromDeploys(pick func(*deployReport) (float64, error)) func(recorded) (float64, error) {
	return func(r recorded) (float64, error) {
		if r.deploys == nil {
			return 0, fmt.Errorf("not measured")
		}
		return pick(r.deploys)
	}
}

var goals = []goal{
	{"http.Handler, `/`: throughput against net/http direct", ratio(rate, "handler", "hello", "nethttp", "hello"), 1.7, true, "x"},
	{"http.Handler, `/`: CPU per request against net/http direct", ratio(cpu, "handler", "hello", "nethttp", "hello"), 0.6, false, "x"},
	{"env, `/`: throughput against the natively answered path", ratio(rate, "env", "hello", "native", "hello"), 0.9, true, "x"},
	{"env, `/`: throughput against fasthttp direct", ratio(rate, "env", "hello", "fasthttp", "hello"), 1, true, "x"},
	{"env, `/`: CPU per request against net/http direct", ratio(cpu, "env", "hello", "nethttp", "hello"), 0.45, false, "x"},
	{"http.Handler, 1 connection: p50 against net/http direct", ratio(p50, "handler", "one", "nethttp", "one"), 1, false, "x"},
	{"env, 1 connection: p50 against net/http direct", ratio(p50, "env", "one", "nethttp", "one"), 1, false, "x"},
	{"http.Handler, 16 pipelined: throughput against net/http direct", ratio(rate, "handler", "pipelined", "nethttp", "pipelined"), 5, true, "x"},
	{"env, 16 pipelined: throughput against net/http direct", ratio(rate, "env", "pipelined", "nethttp", "pipelined"), 5, true, "x"},
	{"http.Handler, 16 KiB bodies: CPU against net/http direct", ratio(cpu, "handler", "bytes-16k", "nethttp", "bytes-16k"), 1, false, "x"},
	{"http.Handler, 64 KiB echo: CPU against net/http direct", ratio(cpu, "handler", "echo-64k", "nethttp", "echo-64k"), 1, false, "x"},
	{"http.Handler, 1 MiB through Write: CPU against net/http direct", ratio(cpu, "handler", "bytes-1m", "nethttp", "bytes-1m"), 1.5, false, "x"},
	{"http.Handler, 1 MiB without copy: CPU against net/http direct (Write)", ratio(cpu, "handler", "bytes-1m-nocopy", "nethttp", "bytes-1m"), 1, false, "x"},
	{"http.Handler, `/`: throughput against the best nginx setting", bestNginx(rate, true), 2, true, "x"},
	{"http.Handler, `/`: CPU per request against the best nginx setting", bestNginx(cpu, false), 0.4, false, "x"},
	{"access log, limits and request deadline: throughput of http.Handler on `/` against none of them", ratio(rate, "handler", "hello", "handler-bare", "hello"), 0.95, true, "x"},
	{"access log, limits and request deadline: CPU per request of http.Handler on `/` against none of them", ratio(cpu, "handler", "hello", "handler-bare", "hello"), 1.05, false, "x"},
	{"http.Handler, `/` beside 2,000 clients that send a byte a second: throughput against undisturbed", ratio(rate, "handler", "drip", "handler", "hello"), 0.8, true, "x"},
	{"http.Handler, `/` beside 2,000 clients that send a byte a second: p99 against undisturbed", ratio(p99, "handler", "drip", "handler", "hello"), 3, false, "x"},
	{"workers swapped under load: requests that failed", fromDeploys(func(d *deployReport) (float64, error) {
		return d.failures("ringway", "swap", "swaps")
	}), 0, false, ""},
	{"the only worker killed under load: requests that failed", fromDeploys(func(d *deployReport) (float64, error) {
		return d.failures("ringway", "kill")
	}), 0, false, ""},
	{"gateway upgraded under load: requests that failed", fromDeploys(func(d *deployReport) (float64, error) {
		return d.failures("ringway", "upgrade")
	}), 0, false, ""},
	{"p99 with a swap a second against p99 without", fromDeploys(func(d *deployReport) (float64, error) {
		return d.slowdown("ringway")
	}), 3, false, "x"},
	{"10,000 idle connections: resident memory of the gateway", fromMemory(func(m *memoryReport) (float64, error) {
		return m.idle("handler")
	}), 32, false, " MiB"},
	{"gateway, allocations per request after warm-up", fromMemory(func(m *memoryReport) (float64, error) {
		return m.gatewayAllocations()
	}), 0, false, ""},
	{"env worker, heap bytes per request in steady state (upper bound; the smallest object has 8)", fromMemory(func(m *memoryReport) (float64, error) {
		return m.workerBytes("env")
	}), 7.9, false, " B"},
	{"mixed load, growth of the gateway's resident memory", func(r recorded) (float64, error) {
		if r.soak == nil {
			return 0, fmt.Errorf("not measured")
		}
		return r.soak.growth(func(s sample) float64 { return float64(s.Gateway.RSS) })
	}, 5, false, " %"},
	{"mixed load, growth of the worker's resident memory", func(r recorded) (float64, error) {
		if r.soak == nil {
			return 0, fmt.Errorf("not measured")
		}
		return r.soak.growth(func(s sample) float64 { return float64(s.Worker.RSS) })
	}, 5, false, " %"},
}

// verdict is the goal's row: what was measured, what was wanted, and by how much it is missed.
func (g goal) verdict(r recorded) (measured, wanted, outcome string) {
	wanted = "≤ " + number(g.limit) + g.unit
	if g.atLeast {
		wanted = "≥ " + number(g.limit) + g.unit
	}
	value, err := g.value(r)
	if err != nil {
		return "", wanted, err.Error()
	}
	measured = number(value) + g.unit
	switch {
	case g.atLeast && value >= g.limit, !g.atLeast && value <= g.limit:
		return measured, wanted, "reached"
	case g.limit == 0:
		return measured, wanted, "**missed** by " + measured
	case g.atLeast:
		return measured, wanted, fmt.Sprintf("**missed** by %.0f %%", 100*(g.limit-value)/g.limit)
	default:
		return measured, wanted, fmt.Sprintf("**missed** by %.0f %%", 100*(value-g.limit)/g.limit)
	}
}
