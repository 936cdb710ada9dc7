package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestEachAnswerCountsInTheMetrics: by status, by worker and in the histograms, whether it came from a worker or not.
func TestEachAnswerCountsInTheMetrics(t *testing.T) {
	p := launch(t, "--worker", workerBinary)
	worker := p.workerPid()
	for range 5 {
		expectBody(t, p.url+"/", "Hello, World!")
	}
	for range 3 {
		expectBody(t, p.url+"/ping", "pong")
	}
	if status, _, err := get(p.url + "/status?code=503"); err != nil || status != 503 {
		t.Fatalf("status %d: %v", status, err)
	}
	var text string
	eventually(t, "all answers to be counted", func() bool {
		var err error
		if _, text, err = get(p.admin + "/metrics"); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(text, "\nringway_request_duration_seconds_count 9\n")
	})
	for _, line := range []string{
		`ringway_requests_total{loop="0"} 9`,
		`ringway_answers_total{class="2xx",loop="0"} 8`,
		`ringway_answers_total{class="5xx",loop="0"} 1`,
		`ringway_native_answers_total{loop="0"} 3`,
		`ringway_request_handler_seconds_count 6`,
		`ringway_request_queue_seconds_count 6`,
		`ringway_request_duration_seconds_bucket{le="100"} 9`,
		"go_sched_gomaxprocs_threads 1", // of the Go half
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	release := p.stats().Workers[0].Release
	for class, count := range map[string]int{"2xx": 5, "5xx": 1, "4xx": 0} {
		line := fmt.Sprintf("ringway_worker_answers_total{class=%q,release=%q,worker=\"1\"} %d", class, release, count)
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %s (worker process %d)", line, worker)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
