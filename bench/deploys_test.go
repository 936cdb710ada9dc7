package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParsePid(t *testing.T) {
	if pid, err := parsePid([]byte(goodBody)); err != nil || pid != 7 {
		t.Errorf("got %d, %v, expected 7", pid, err)
	}
	for _, bad := range []string{"", "{}", goodBody + "x", strings.TrimSpace(goodBody), `{"pid":0,"release":"r1"}` + "\n",
		`{"pid":7,"release":"net/http"}` + "\n", `{"pid":7,"release":"r"}` + "\n", `{"pid":x,"release":"r1"}` + "\n"} {
		if _, err := parsePid([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParseAnswer(t *testing.T) {
	got, err := parseAnswer([]byte("HTTP/1.1 503 Service Unavailable\r\nserver: x\r\ncontent-length:  12 \r\nCONNECTION: Close\r\n\r\n"))
	if err != nil || got != (answerHead{status: 503, length: 12, close: true}) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 99 x\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"} {
		if _, err := parseAnswer([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestLongestGap(t *testing.T) {
	for _, test := range []struct {
		moments  []uint32
		from, to uint32
		want     uint32
	}{
		{nil, 100, 400, 300},
		{[]uint32{390, 110}, 100, 400, 280},
		{[]uint32{300}, 100, 400, 200},                // before the first answer
		{[]uint32{120}, 100, 400, 280},                // after the last one
		{[]uint32{390, 450, 110, 395}, 100, 400, 280}, // one that came after the end ends nothing
	} {
		if got := longestGap(slices.Clone(test.moments), test.from, test.to); got != test.want {
			t.Errorf("%v from %d to %d: got %d, expected %d", test.moments, test.from, test.to, got, test.want)
		}
	}
}

func TestPercentile(t *testing.T) {
	var values []uint32
	for i := uint32(1); i <= 200; i++ {
		values = append(values, i)
	}
	for p, want := range map[int]float64{50: 100, 99: 198, 100: 200} {
		if got := percentile(values, p); got != want {
			t.Errorf("p%d: got %v, expected %v", p, got, want)
		}
	}
	if got := percentile([]uint32{5}, 50); got != 5 {
		t.Errorf("got %v, expected 5", got)
	}
	if got := percentile(nil, 99); got != 0 {
		t.Errorf("got %v, expected 0", got)
	}
}

func TestReadyTimes(t *testing.T) {
	got := readyTimes([]string{
		"ready 12 1000000007\nready\nready x 1\n",
		`{"time":"2026-11-21T10:00:00.5Z","msg":"worker is starting","worker_pid":34}` + "\n" +
			`{"time":"2026-11-21T10:00:01.25Z","msg":"worker is ready","worker":2,"worker_pid":34}` + "\nno JSON\n",
	})
	if len(got) != 2 || got[12].UnixNano() != 1000000007 || !got[34].Equal(time.Date(2026, 11, 21, 10, 0, 1, 250e6, time.UTC)) {
		t.Errorf("got %v", got)
	}
}

func TestFirstAnswersOfNewProcesses(t *testing.T) {
	zero := time.Now()
	at := func(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }
	orders := []time.Time{at(100), at(200), at(300)}
	seen := map[int]time.Time{1: at(0), 2: at(140), 3: at(145), 4: at(330)} // none came after the second order
	ready := map[int]time.Time{1: at(-5), 2: at(138), 4: at(329), 5: at(400)}
	var r deployRun
	r.came(seen, orders, ready)
	if !slices.Equal(r.Order, []float64{40, 30}) || !slices.Equal(r.Ready, []float64{1, 2}) {
		t.Errorf("order %v, ready %v, expected [40 30] and [1 2]", r.Order, r.Ready)
	}
	var calm deployRun
	calm.came(seen, nil, ready)
	if calm.Order != nil || calm.Ready != nil {
		t.Errorf("without an order: %+v", calm)
	}
}

func sampleDeploys() *deployReport {
	d := &deployReport{
		Clients: 64, Rate: 6400, Settings: settings{Rounds: 2},
		Targets: []describedTarget{{"ringway", "Ringway", "gateway serve"}, {"nginx", "nginx", "nginx -c x"}},
	}
	for _, s := range scenarios(3*time.Second, false) {
		s.order = nil
		d.Scenarios = append(d.Scenarios, s)
		for round := 1; round <= 2; round++ {
			figure := float64(round)
			run := deployRun{Scenario: s.Name, Round: round, Requests: 100, Gap: 10 * figure, Wait: 20 * figure, P50: 1, P99: 200, Max: 400, Done: s.Orders}
			if s.Name == "swaps" {
				run.P99, run.Ready, run.Order = 500, []float64{figure, figure + 2}, []float64{30}
			}
			ours, theirs := run, run
			ours.Target, theirs.Target = "ringway", "nginx"
			if s.Name == "upgrade" {
				ours.Absent = "not offered by this gateway"
			}
			if s.Name == "kill" {
				theirs.Failed = tally{Status: 5, Cut: 1, Refused: 3}
			}
			d.Runs = append(d.Runs, ours, theirs)
		}
	}
	return d
}

func TestDeploySummary(t *testing.T) {
	d := sampleDeploys()
	s := d.summary("ringway", "swaps")
	if !s.ok() || s.Gap != 15 || s.Wait != 30 || s.Worst != 40 || s.Ready != 2.5 || s.ReadySeen != 4 || s.Requests != 200 || s.Orders != 40 {
		t.Errorf("got %+v", s)
	}
	if s := d.summary("nginx", "kill"); s.Failed.errors() != 12 || s.Failed.Refused != 6 || s.Failed.text() != "10 status, 2 cut" {
		t.Errorf("got %+v", s.Failed)
	}
	if s := d.summary("ringway", "upgrade"); s.ok() || s.Absent == "" {
		t.Errorf("a scenario that was not run counts: %+v", s)
	}
	if ratio, err := d.slowdown("ringway"); err != nil || ratio != 2.5 {
		t.Errorf("got %v, %v, expected 2.5", ratio, err)
	}
	if n, err := d.failures("nginx", "swap", "kill"); err != nil || n != 18 {
		t.Errorf("got %v, %v, expected 18", n, err)
	}
	if _, err := d.failures("ringway", "upgrade"); err == nil {
		t.Error("a scenario that was not run has no failures")
	}
	d.Runs[0].Why = "the order failed"
	if _, err := d.failures("ringway", "swap"); err == nil {
		t.Error("an invalid run counts")
	}
}

func TestDeploysPage(t *testing.T) {
	r := recorded{deploys: sampleDeploys()}
	page := r.markdown("")
	for _, want := range []string{
		"| Ringway | 0 | 0 | 0 | 15 | 30 (40) | 1 / 500 / 400 | 2.50 | 30 | 200 |",
		"| nginx | 10 status, 2 cut | 6 | 0 |", "| Ringway | | | | | | not offered by this gateway |", "| Ringway | 200 | 500 | 2.50x |",
		"| workers swapped under load: requests that failed | 0 | ≤ 0 | reached |", "20 swaps, a second apart", "`gateway serve`",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	for i := range r.deploys.Runs {
		if run := &r.deploys.Runs[i]; run.Target == "nginx" && run.Scenario == "swaps" {
			run.Done = 17
		}
	}
	if page := r.markdown(""); !strings.Contains(page, "| nginx (34 of 40 orders") {
		t.Errorf("the page hides that orders were not given:\n%s", page)
	}
	r.deploys.Runs[1].Why = "the order failed"
	if page := r.markdown(""); !strings.Contains(page, "**Invalid**: nginx, one swap: 1 of 2 runs; the order failed") {
		t.Errorf("the page hides an invalid run:\n%s", page)
	}
}
