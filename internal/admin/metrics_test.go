package admin

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"ringway/internal/accesslog"
	"ringway/internal/engine"
	"ringway/internal/supervisor"
)

// full has a value in every part.
func full() Snapshot {
	s := sample()
	s.Gateway.Started = time.Unix(1700000000, 500e6)
	s.Config = &Config{Reloads: 2, Failures: 1, Loaded: time.Unix(1700000001, 0), NeedsRestart: []string{"listen"}}
	s.Releases = []Release{{Name: "r1", State: "active"}, {Name: "r0", State: "retired"}}
	s.Workers = append(s.Workers, Worker{ID: 2, Release: "r1", State: "ready", Stuck: true, Memory: 1 << 20})
	s.Changes = Changes{
		Swaps: map[string]uint64{"confirmed": 3, "failed": 0}, Rollbacks: map[string]uint64{"command": 1}, Upgrades: map[string]uint64{"succeeded": 2},
		Recycled: map[string]uint64{"memory": 4}, Ended: map[string]uint64{"unasked": 5},
	}
	s.Supervisors = []Supervisor{
		{Release: "r1", Restarts: 1, Slots: []supervisor.Status{{State: "running"}, {State: "breaker open"}}},
		{Release: "r0", Slots: []supervisor.Status{{State: "ended"}}},
		{Release: "r1", Restarts: 2, Slots: []supervisor.Status{{State: "running"}}},
	}
	s.LatencyBounds = []uint64{10_000, 15_000, 2_000_000_000}
	s.Loops = []engine.LoopStats{
		{
			Index: 0, Requests: 7, Answers: map[string]uint64{"2xx": 6, "5xx": 1}, Refused: map[string]uint64{"head too large": 3}, HeadTimeouts: 4,
			Latency: engine.Latency{Total: engine.Histogram{SumNanoseconds: 1_000_000_000, Counts: []uint64{1, 0, 2, 1}}},
		},
		{
			Index: 1, Answers: map[string]uint64{}, Refused: map[string]uint64{"head too large": 2},
			Latency: engine.Latency{Total: engine.Histogram{SumNanoseconds: 500_000_000, Counts: []uint64{0, 1, 0, 0}}},
		},
	}
	s.Lanes = []engine.LaneStats{
		{Worker: 1, Loop: 0, State: "active", Slots: 4096, Depth: 5, WakeupsAvoided: 9, ArenaBytes: 1 << 24, OutArenaHighWater: 77, Answers: map[string]uint64{"2xx": 4}},
		{Worker: 1, Loop: 1, State: "active", Answers: map[string]uint64{"2xx": 2}},
	}
	s.AccessLog = &accesslog.Stats{Lines: 12, DroppedSlow: 2}
	return s
}

type fullHost struct{ fakeHost }

func (fullHost) Snapshot() Snapshot { return full() }

func TestMetricsFollowTheConventions(t *testing.T) {
	problems, err := testutil.CollectAndLint(&collector{fullHost{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

func TestMetrics(t *testing.T) {
	recorder := httptest.NewRecorder()
	Handler(fullHost{}).ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	if recorder.Code != 200 {
		t.Fatalf("status %d: %s", recorder.Code, recorder.Body)
	}
	text := recorder.Body.String()
	for _, line := range []string{
		`ringway_build_info{version="v1"} 1`,
		`ringway_start_time_seconds 1.7000000005e+09`,
		`ringway_config_reloads_total{outcome="failed"} 1`,
		`ringway_releases{state="active"} 1`,
		`ringway_releases{state="draining"} 0`,
		`ringway_requests_total{loop="0"} 7`,
		`ringway_answers_total{class="5xx",loop="0"} 1`,
		`ringway_timeouts_total{loop="0",of="head"} 4`,
		`ringway_refused_total{reason="head too large"} 5`,
		`ringway_request_duration_seconds_bucket{le="1e-05"} 1`,
		`ringway_request_duration_seconds_bucket{le="1.5e-05"} 2`,
		`ringway_request_duration_seconds_bucket{le="2"} 4`,
		`ringway_request_duration_seconds_bucket{le="+Inf"} 5`,
		`ringway_request_duration_seconds_sum 1.5`,
		`ringway_request_duration_seconds_count 5`,
		`ringway_workers{release="r1",state="ready"} 2`,
		`ringway_worker_in_flight{release="r1",worker="1"} 2`,
		`ringway_worker_stuck{release="r1",worker="2"} 1`,
		`ringway_worker_answers_total{class="2xx",release="r1",worker="1"} 6`,
		`ringway_worker_memory_bytes{release="r1",worker="2"} 1.048576e+06`,
		`ringway_worker_restarts_total{release="r1"} 3`,
		`ringway_worker_slots{release="r1",state="running"} 2`,
		`ringway_worker_slots{release="r1",state="breaker_open"} 1`,
		`ringway_worker_slots{release="r0",state="running"} 0`,
		`ringway_worker_processes_ended_total{how="unasked"} 5`,
		`ringway_workers_recycled_total{cause="memory"} 4`,
		`ringway_swaps_total{outcome="confirmed"} 3`,
		`ringway_swaps_total{outcome="failed"} 0`,
		`ringway_rollbacks_total{cause="command"} 1`,
		`ringway_upgrades_total{outcome="succeeded"} 2`,
		`ringway_state{state="running"} 1`,
		`ringway_state{state="leaving"} 0`,
		`ringway_config_needs_restart 1`,
		`ringway_ring_depth{loop="0",worker="1"} 5`,
		`ringway_wakeups_total{loop="0",outcome="avoided",worker="1"} 9`,
		`ringway_arena_used_peak_bytes{direction="outbound",loop="0",worker="1"} 77`,
		`ringway_access_log_lines_total 12`,
		`ringway_access_log_dropped_total{reason="slow"} 2`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if !strings.Contains(text, "\ngo_goroutines ") || !strings.Contains(text, "\nprocess_open_fds ") {
		t.Error("nothing of the Go runtime or the process")
	}
	if t.Failed() {
		t.Log(text)
	}
}
