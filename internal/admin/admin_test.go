package admin

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ringway/internal/engine"
	"ringway/internal/supervisor"
)

func sample() Snapshot {
	return Snapshot{
		Gateway:   Gateway{Pid: 12, Version: "v1", State: "running", Started: time.Unix(0, 0).UTC(), UptimeSeconds: 1.5},
		Listeners: []Listener{{URL: "http://127.0.0.1:8080"}},
		Workers:   []Worker{{ID: 1, Pid: 13, Release: "r1", State: "ready", InFlight: 2}},
		Loops:     []engine.LoopStats{{Index: 0, Requests: 7}},
		Lanes:     []engine.LaneStats{{Worker: 1, Slots: 4096, WakeupsAvoided: 5}},
		Supervisor: &Supervisor{
			Program: "/bin/app", Restarts: 1, Slots: []supervisor.Status{{Pid: 13, Restarts: 1, LastExit: "exit status 1"}},
		},
	}
}

func TestStatsHasEveryPart(t *testing.T) {
	recorder := httptest.NewRecorder()
	Handler(sample).ServeHTTP(recorder, httptest.NewRequest("GET", "/stats", nil))
	if recorder.Code != 200 || recorder.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, type %q", recorder.Code, recorder.Header().Get("Content-Type"))
	}
	var tree map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &tree); err != nil {
		t.Fatal(err)
	}
	first := func(part string) map[string]any { return tree[part].([]any)[0].(map[string]any) }
	for part, keys := range map[string][]string{
		"listeners": {"url"},
		"workers":   {"id", "pid", "release", "state", "in_flight", "attached"},
		"loops":     {"requests", "connections_open", "parked", "refused"},
		"lanes": {
			"worker", "slots", "depth", "high_water", "published", "acknowledged", "completed", "cancelled",
			"wakeups_sent", "wakeups_avoided", "full_stalls", "arena_bytes_in_use", "arena_high_water",
		},
	} {
		for _, key := range keys {
			if _, found := first(part)[key]; !found {
				t.Errorf("%s lack %q", part, key)
			}
		}
	}
	if tree["supervisor"].(map[string]any)["restarts"] != 1.0 || tree["gateway"].(map[string]any)["version"] != "v1" {
		t.Errorf("%s", recorder.Body)
	}
}

func TestErrorsAreJSON(t *testing.T) {
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/", 404}, {"GET", "/nope", 404}, {"POST", "/nope", 404}, {"POST", "/stats", 405}, {"HEAD", "/stats", 405}, {"GET", "/stats/x", 404},
	} {
		recorder := httptest.NewRecorder()
		Handler(sample).ServeHTTP(recorder, httptest.NewRequest(test.method, test.path, nil))
		var body problem
		if recorder.Code != test.want || json.Unmarshal(recorder.Body.Bytes(), &body) != nil || body.Error == "" {
			t.Errorf("%s %s: %d %s, want %d and a JSON error", test.method, test.path, recorder.Code, recorder.Body, test.want)
		}
	}
}

func TestOpenNamesBadAddresses(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, address := range []string{"", "nonsense", "127.0.0.1:99999", "host.invalid:1", busy.Addr().String(), "198.51.100.7:80"} {
		server, err := Open(address, sample, slog.New(slog.DiscardHandler))
		if err == nil {
			t.Errorf("%q was accepted", address)
			server.Close()
			continue
		}
		if !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "expected") {
			t.Errorf("%q: error %q", address, err)
		}
		t.Log(err)
	}
}

func TestServerAnswersAndEnds(t *testing.T) {
	server, err := Open("127.0.0.1:0", sample, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve() }()
	response, err := http.Get(server.URL() + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != 200 || !server.Loopback() {
		t.Errorf("status %d, loopback %v", response.StatusCode, server.Loopback())
	}
	server.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
