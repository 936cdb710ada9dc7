package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
	Handler(fakeHost{}).ServeHTTP(recorder, httptest.NewRequest("GET", "/stats", nil))
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
		{"POST", "/", 405}, {"GET", "/console/", 404}, {"GET", "/console/nope.js", 404}, {"PUT", "/console/console.js", 405}, {"GET", "/nope", 404}, {"POST", "/nope", 404}, {"POST", "/stats", 405}, {"PUT", "/stats", 405}, {"GET", "/stats/x", 404},
	} {
		recorder := httptest.NewRecorder()
		Handler(fakeHost{}).ServeHTTP(recorder, httptest.NewRequest(test.method, test.path, nil))
		var body Problem
		if recorder.Code != test.want || json.Unmarshal(recorder.Body.Bytes(), &body) != nil || body.Detail == "" || body.Status != test.want {
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
	for _, address := range []string{"", "nonsense", "127.0.0.1:99999", "host.invalid:1", busy.Addr().String(), "198.51.100.7:80", "0.0.0.0:0", "[::]:0", "unix:/nowhere/at/all"} {
		server, err := Open(Options{Address: address}, fakeHost{}, slog.New(slog.DiscardHandler))
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

func TestOpenOnAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if _, err := Open(Options{Address: "unix:" + path}, fakeHost{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "served by another process") {
		t.Errorf("a socket that is served: %v", err)
	}
	_ = left.Close() // as a process that was killed leaves it
	server, err := Open(Options{Address: "unix:" + path}, fakeHost{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve() }()
	defer server.Close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || !server.Local() || server.URL() != "unix:"+path {
		t.Errorf("mode %v, local %v, URL %s: %v", info.Mode(), server.Local(), server.URL(), err)
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	response, err := client.Get("http://localhost/healthz")
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%v %v", response, err)
	}
	_ = response.Body.Close()
}

func TestATokenOpensOtherAddresses(t *testing.T) {
	server, err := Open(Options{Address: "0.0.0.0:0", Token: testToken}, fakeHost{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if server.Local() {
		t.Error("local, and on all interfaces")
	}
	server.Close()
}

func TestHealth(t *testing.T) {
	for _, test := range []struct {
		method, path string
		status       int
		want         string // in the body
	}{
		{"GET", "/healthz", 200, `"ok":true`}, {"HEAD", "/healthz", 200, ""}, {"POST", "/healthz", 405, "expected GET"},
		{"GET", "/readyz", 503, `"reason":"the gateway is leaving"`}, {"HEAD", "/readyz", 503, ""}, {"POST", "/readyz", 405, "expected GET"},
	} {
		recorder := httptest.NewRecorder()
		Handler(fakeHost{}).ServeHTTP(recorder, httptest.NewRequest(test.method, test.path, nil))
		if recorder.Code != test.status || !strings.Contains(recorder.Body.String(), test.want) {
			t.Errorf("%s %s: %d %s, want %d with %s", test.method, test.path, recorder.Code, recorder.Body, test.status, test.want)
		}
	}
}

func TestServerAnswersAndEnds(t *testing.T) {
	server, err := Open(Options{Address: "127.0.0.1:0"}, fakeHost{}, slog.New(slog.DiscardHandler))
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
	if response.StatusCode != 200 || !server.Local() {
		t.Errorf("status %d, loopback %v", response.StatusCode, server.Local())
	}
	server.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// fakeHost has one state, and orders that end as their arguments say.
type fakeHost struct{}

var (
	fakeLevel   slog.LevelVar
	fakeJournal = NewJournal()
)

func (fakeHost) Requests(limit int) ([]engine.Request, int, error) {
	if limit == 13 {
		return nil, 0, errors.New("loop 0 does not answer")
	}
	return []engine.Request{{Age: time.Second, State: "running", Worker: 1, Method: "GET", Path: "/a", Client: "127.0.0.1:4711"}}, 5, nil
}

func (fakeHost) Configuration() Configuration {
	return Configuration{
		Config: Config{File: "/etc/gateway.toml", NeedsRestart: []string{}},
		Values: []Value{{"loops", 2, "default"}, {"listen", []string{"127.0.0.1:8080"}, "flag"}},
	}
}

func (fakeHost) LogLevel() *slog.LevelVar { return &fakeLevel }

func (fakeHost) Journal() *Journal { return fakeJournal }

func (fakeHost) Snapshot() Snapshot { return sample() }

func (fakeHost) Swap(program string, args []string, watch func(Progress)) error {
	if program == "" {
		return errors.New("no program")
	}
	watch(Progress{Step: fmt.Sprintf("%s %q", program, args)})
	go watch(Progress{Step: "end", Done: true, Error: "it failed"})
	return nil
}

func (fakeHost) Rollback(watch func(Progress)) error {
	for i := range 1000 { // more than anybody reads
		watch(Progress{Step: fmt.Sprint(i)})
	}
	watch(Progress{Step: "end", Done: true})
	return nil
}

func (fakeHost) StopNow() {}

func (fakeHost) Ready() string { return "the gateway is leaving" }

func (fakeHost) Drain(worker uint64) error {
	if worker != 7 {
		return fmt.Errorf("no worker %d", worker)
	}
	return nil
}

func (fakeHost) Upgrade(program string, watch func(Progress)) error {
	if program != "/bin/next" {
		return errors.New("no such gateway")
	}
	watch(Progress{Step: "it starts"})
	watch(Progress{Step: "it serves", Done: true})
	return nil
}

func TestOrders(t *testing.T) {
	for _, test := range []struct {
		name, method, path, kind, body string
		status                         int
		want                           string // in the answer
	}{
		{"swap", "POST", "/swap", "application/json", `{"program": "/x", "args": ["a"]}`, 200, `{"step":"/x [\"a\"]"}` + "\n" + `{"step":"end","done":true,"error":"it failed"}`},
		{"swap that cannot begin", "POST", "/swap", "application/json", `{}`, 409, "no program"},
		{"rollback", "POST", "/rollback", "application/json", `{}`, 200, `"done":true`},
		{"drain", "POST", "/drain", "application/json; charset=utf-8", `{"worker": 7}`, 200, `"done":true`},
		{"stop", "POST", "/stop", "application/json", `{}`, 200, `"done":true`},
		{"drain nobody", "POST", "/drain", "application/json", `{"worker": 8}`, 409, "no worker 8"},
		{"wrong method", "GET", "/swap", "application/json", `{}`, 405, "expected POST"},
		{"a form", "POST", "/swap", "text/plain", `{"program": "/x"}`, 415, "application/json"},
		{"no JSON", "POST", "/swap", "application/json", `program=/x`, 400, "body"},
		{"unknown member", "POST", "/swap", "application/json", `{"programme": "/x"}`, 400, "programme"},
		{"two values", "POST", "/rollback", "application/json", `{}{}`, 400, "more than one"},
		{"too long", "POST", "/rollback", "application/json", `{"a": "` + strings.Repeat("x", maxOrder) + `"}`, 400, "body"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
			request.Header.Set("Content-Type", test.kind)
			recorder := httptest.NewRecorder()
			Handler(fakeHost{}).ServeHTTP(recorder, request)
			if recorder.Code != test.status || !strings.Contains(recorder.Body.String(), test.want) {
				t.Errorf("%d %s, expected %d with %s", recorder.Code, recorder.Body, test.status, test.want)
			}
		})
	}
}
