package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// fill puts the crowd's figures into the run. The time that counts ended at the given moment.
func (r *deployRun) fill(c *crowd, ended time.Time) {
	from, to := microseconds(c.counted.Sub(c.began)), microseconds(ended.Sub(c.began))
	var at, took []uint32
	for _, one := range c.clients {
		for _, a := range one.good {
			at, took = append(at, a.at), append(took, a.took)
		}
		r.Failed.add(one.tally)
		r.Wait = max(r.Wait, milliseconds(one.longest))
	}
	slices.Sort(took)
	r.Requests, r.Seconds = int64(len(at)), ended.Sub(c.counted).Seconds()
	r.Gap = float64(longestGap(at, from, to)) / 1000
	r.P50, r.P99, r.Max = percentile(took, 50), percentile(took, 99), percentile(took, 100)
	r.Wrong = c.wrong
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// longestGap is the longest time in which none of the moments lies, from and to included. It sorts them.
func longestGap(moments []uint32, from, to uint32) uint32 {
	slices.Sort(moments)
	longest, last := uint32(0), from
	for _, at := range append(moments, to) {
		if at > last {
			longest, last = max(longest, at-last), at
		}
	}
	return longest
}

// percentile returns the value that p of a hundred of the sorted values do not exceed; 0 if there are none.
func percentile(sorted []uint32, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*p + 99) / 100
	return float64(sorted[max(rank, 1)-1])
}

// came notes how long new processes took to their first answer: from when they were ready, and from the order that brought them.
func (r *deployRun) came(seen map[int]time.Time, orders []time.Time, ready map[int]time.Time) {
	came := newOnes(seen, orders)
	for i, order := range orders {
		for _, at := range came {
			if at.After(order) && (i+1 == len(orders) || at.Before(orders[i+1])) {
				r.Order = append(r.Order, milliseconds(at.Sub(order)))
				break
			}
		}
	}
	for pid, at := range seen {
		if was, known := ready[pid]; known && slices.ContainsFunc(came, at.Equal) {
			r.Ready = append(r.Ready, milliseconds(at.Sub(was)))
		}
	}
	slices.Sort(r.Ready)
}

// readyTimes finds in logs when processes were ready, by pid: `ready PID NANOSECONDS` of the peers, and what a gateway logs in JSON of its workers.
func readyTimes(logs []string) map[int]time.Time {
	all := make(map[int]time.Time)
	for _, log := range logs {
		for lines := bufio.NewScanner(strings.NewReader(log)); lines.Scan(); {
			var pid int
			var nanoseconds int64
			if n, _ := fmt.Sscanf(lines.Text(), "ready %d %d", &pid, &nanoseconds); n == 2 {
				all[pid] = time.Unix(0, nanoseconds)
				continue
			}
			var record struct {
				Time    time.Time
				Message string `json:"msg"`
				Pid     int    `json:"worker_pid"`
			}
			if json.Unmarshal(lines.Bytes(), &record) == nil && record.Message == "worker is ready" {
				all[record.Pid] = record.Time
			}
		}
	}
	return all
}

// deploySummary is the medians of a scenario on a target, and the sums of what failed.
type deploySummary struct {
	Runs, Invalid      int
	Why                string
	Absent             string
	Requests           int64
	Orders             int
	Failed             tally
	Gap, Wait          float64 // ms
	Worst              float64 // wait of all rounds, ms
	P50, P99, Max      float64 // us
	Ready, Order       float64 // ms
	ReadySeen, OrdersN int     // how many these are medians of
}

// ok reports whether the figures may be used.
func (s deploySummary) ok() bool { return s.Runs > 0 && s.Invalid == 0 && s.Absent == "" }

func (d *deployReport) summary(target, scenario string) deploySummary {
	var s deploySummary
	var gap, wait, p50, p99, most, ready, order []float64
	for _, r := range d.Runs {
		if r.Target != target || r.Scenario != scenario {
			continue
		}
		s.Runs++
		s.Requests += r.Requests
		s.Orders += r.Done
		s.Failed.add(r.Failed)
		if r.Absent != "" {
			s.Absent = r.Absent
			continue
		}
		if r.Why != "" {
			s.Invalid++
			s.Why = r.Why
			continue
		}
		gap, wait, most = append(gap, r.Gap), append(wait, r.Wait), append(most, r.Max)
		p50, p99 = append(p50, r.P50), append(p99, r.P99)
		ready, order = append(ready, r.Ready...), append(order, r.Order...)
	}
	if len(gap) > 0 {
		s.Gap, s.Wait, s.P50, s.P99, s.Max = median(gap), median(wait), median(p50), median(p99), median(most)
		s.Worst = slices.Max(wait)
	}
	if s.ReadySeen = len(ready); s.ReadySeen > 0 {
		s.Ready = median(ready)
	}
	if s.OrdersN = len(order); s.OrdersN > 0 {
		s.Order = median(order)
	}
	return s
}
