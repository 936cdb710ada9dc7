package main

import (
	"strings"
	"testing"
)

func sampleComparison() *comparison {
	c := &comparison{
		Targets: []describedTarget{{"handler", "Ringway", ""}, {"nethttp", "net/http direct", ""}, {"nginx-1", "", ""}, {"nginx-2", "", ""}},
		Loads:   loads[:1],
	}
	add := func(target string, rate, cpu float64) {
		for round, factor := range []float64{1, 0.5, 2} {
			c.Measurements = append(c.Measurements, measurement{
				Target: target, Load: "hello", Round: round + 1, Requests: 1, PerSecond: rate * factor, CPU: cpu * factor, P50: 1, P99: 2,
			})
		}
	}
	add("handler", 200, 5)
	add("nethttp", 100, 10)
	add("nginx-1", 80, 20)
	add("nginx-2", 90, 40)
	return c
}

func TestMedian(t *testing.T) {
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("got %v, expected 2", got)
	}
	if got := median([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Errorf("got %v, expected 2.5", got)
	}
}

func TestSummaryOfInvalidRuns(t *testing.T) {
	c := sampleComparison()
	s := c.summary("handler", "hello")
	if !s.ok() || s.PerSecond != 200 || s.Lowest != 100 || s.Highest != 400 || s.CPU != 5 {
		t.Errorf("got %+v", s)
	}
	c.Measurements[0].Invalid = "errors"
	if s := c.summary("handler", "hello"); s.ok() || s.Invalid != 1 {
		t.Errorf("a run with errors counts: %+v", s)
	}
	if s := c.summary("handler", "json"); s.ok() {
		t.Errorf("a load that was not run counts: %+v", s)
	}
}

func TestVerdicts(t *testing.T) {
	r := recorded{compare: sampleComparison()}
	for _, test := range []struct {
		title    string
		measured string
		outcome  string
	}{
		{"http.Handler, `/`: throughput against net/http direct", "2x", "reached"},
		{"http.Handler, `/`: CPU per request against net/http direct", "0.50x", "reached"},
		{"http.Handler, `/`: throughput against the best nginx setting", "2.22x", "reached"},
		// The cheapest setting counts for CPU, 5/20; a goal of 0.4 is reached with it.
		{"http.Handler, `/`: CPU per request against the best nginx setting", "0.25x", "reached"},
		{"env, `/`: throughput against fasthttp direct", "", "hello not measured on env"},
		{"10,000 idle connections: resident memory of the gateway", "", "not measured"},
	} {
		found := false
		for _, g := range goals {
			if g.title != test.title {
				continue
			}
			found = true
			if measured, _, outcome := g.verdict(r); measured != test.measured || outcome != test.outcome {
				t.Errorf("%s: got %q %q, expected %q %q", test.title, measured, outcome, test.measured, test.outcome)
			}
		}
		if !found {
			t.Errorf("no goal %q", test.title)
		}
	}
	missed := goal{"", func(recorded) (float64, error) { return 1.5, nil }, 2, true, "x"}
	if _, _, outcome := missed.verdict(r); outcome != "**missed** by 25 %" {
		t.Errorf("got %q", outcome)
	}
}

func TestGrowth(t *testing.T) {
	var r soakReport
	for i := range 10 {
		// Warm-up of two samples, then 100 and at the end 110.
		value := int64(100)
		switch {
		case i < 2:
			value = 10
		case i >= 8:
			value = 110
		}
		r.Samples = append(r.Samples, sample{Gateway: memory{RSS: value}})
	}
	got, err := r.growth(func(s sample) float64 { return float64(s.Gateway.RSS) })
	if err != nil || got < 9.99 || got > 10.01 {
		t.Errorf("got %v, %v, expected 10", got, err)
	}
	if _, err := (&soakReport{}).growth(nil); err == nil {
		t.Error("no samples, no error")
	}
}

func TestPage(t *testing.T) {
	r := recorded{compare: sampleComparison()}
	page := r.markdown("## Notes\n\nby hand\n")
	for _, want := range []string{"| net/http direct | 0.10 / 10 |", "| Ringway | 2.00 / 0.50 |", "by hand", "No run had an error"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if err := r.plots(t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestNumber(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 5: "5", 1234.5: "1234", 12.34: "12.3", 1.234: "1.23", 0.0012: "0.0012"} {
		if got := number(value); got != want {
			t.Errorf("%v: got %s, expected %s", value, got, want)
		}
	}
}
