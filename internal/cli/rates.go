package cli

import (
	"fmt"
	"math"
	"time"

	"ringway/internal/admin"
)

// rates are what happened between two samples, in each second.
type rates struct {
	requests, refused float64
	bytesIn, bytesOut float64
	answers           map[string]float64
	p50, p99          time.Duration // 0 if there was no answer
}

// between compares two samples of one process; false if that cannot be.
func between(a, b *admin.Sample, bounds []uint64) (rates, bool) {
	seconds := b.Time.Sub(a.Time).Seconds()
	if seconds <= 0 || b.Requests < a.Requests {
		return rates{}, false
	}
	each := func(was, is uint64) float64 { return float64(is-min(was, is)) / seconds }
	r := rates{
		requests: each(a.Requests, b.Requests), refused: each(a.Refused, b.Refused), bytesIn: each(a.BytesIn, b.BytesIn),
		bytesOut: each(a.BytesOut, b.BytesOut), answers: make(map[string]float64),
	}
	for class, count := range b.Answers {
		r.answers[class] = each(a.Answers[class], count)
	}
	counts := make([]uint64, len(b.Latency))
	for i, count := range b.Latency {
		counts[i] = count
		if i < len(a.Latency) {
			counts[i] -= min(a.Latency[i], count)
		}
	}
	r.p50, r.p99 = quantile(0.5, counts, bounds), quantile(0.99, counts, bounds)
	return r, true
}

// quantile is taken to be evenly spread inside its bucket; what lies beyond all bounds counts as the last of them. 0 if there are no counts.
func quantile(q float64, counts, bounds []uint64) time.Duration {
	total := uint64(0)
	for _, count := range counts {
		total += count
	}
	if total == 0 || len(bounds) == 0 {
		return 0
	}
	rank, below, from := q*float64(total), 0.0, 0.0
	for i, bound := range bounds {
		if i < len(counts) && counts[i] > 0 {
			if here := float64(counts[i]); below+here >= rank {
				return time.Duration(from + (float64(bound)-from)*(rank-below)/here)
			}
			below += float64(counts[i])
		}
		from = float64(bound)
	}
	return time.Duration(bounds[len(bounds)-1])
}

// short is a number with three digits: 0.42, 38, 1.24k, 61.3k.
func short(n float64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}} {
		if n >= unit.size*0.9995 {
			return digits(n/unit.size) + unit.name
		}
	}
	if n == math.Trunc(n) || n >= 99.95 {
		return fmt.Sprintf("%.0f", n)
	}
	return digits(n)
}

func digits(n float64) string {
	switch {
	case n >= 99.95:
		return fmt.Sprintf("%.0f", n)
	case n >= 9.995:
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.2f", n)
}

func shortBytes(n float64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.size {
			return digits(n/unit.size) + unit.name
		}
	}
	return fmt.Sprintf("%.0fB", n)
}

// shortTime is a latency with three digits; "-" of none.
func shortTime(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Millisecond:
		return digits(float64(d)/1e3) + "us"
	case d < time.Second:
		return digits(float64(d)/1e6) + "ms"
	}
	return digits(d.Seconds()) + "s"
}
