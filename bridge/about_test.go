package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"ringway/envmap"
	"ringway/ring/ringtest"
)

// lines is a log that is written by any goroutine.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// first is the first line, or nil.
func (l *lines) first(t *testing.T) map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	line, _, _ := bytes.Cut(l.text.Bytes(), []byte("\n"))
	if len(line) == 0 {
		return nil
	}
	var entry map[string]any
	if err := json.Unmarshal(line, &entry); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return entry
}

// TestLinesAboutRequestsCarryTheirIDs, whatever the handler does to the fields, and whoever has the slot by then.
func TestLinesAboutRequestsCarryTheirIDs(t *testing.T) {
	boom := errors.New("boom")
	for name, test := range map[string]struct {
		handler func(w http.ResponseWriter, r *http.Request)
		app     envmap.App
		target  string
		text    string
	}{
		"panic": {handler: func(_ http.ResponseWriter, r *http.Request) {
			r.Header.Set("X-Request-Id", "changed")
			panic("boom")
		}, text: "ringway: handler panicked"},
		"goexit": {handler: func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, text: "ringway: handler ended its goroutine"},
		"short": {handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = w.Write([]byte("1"))
		}, text: "ringway: response cut off"},
		"superfluous head": {handler: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			w.WriteHeader(200)
		}, text: "ringway: superfluous WriteHeader"},
		"bad length": {handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "x")
			w.WriteHeader(200)
		}, text: "ringway: invalid Content-Length of a handler"},
		"unreadable": {handler: func(http.ResponseWriter, *http.Request) {}, target: "/%zz", text: "ringway: unreadable request"},
		"app panics": {app: func(envmap.Env) error { panic("boom") }, text: "ringway: application failed"},
		"app fails":  {app: func(envmap.Env) error { return boom }, text: "ringway: application failed"},
		"app fails late": {app: func(env envmap.Env) error {
			_, _ = env.Write([]byte("begun"))
			_ = env.Flush()
			return boom
		}, text: "ringway: application failed"},
	} {
		t.Run(name, func(t *testing.T) {
			var log lines
			logger := WithLogger(slog.New(slog.NewJSONHandler(&log, nil)))
			var handler http.Handler
			if test.handler != nil {
				handler = http.HandlerFunc(test.handler)
			}
			x := newHarness(t, testGeometry, handler, test.app, logger)
			_, _ = x.Do(ringtest.Request{Target: test.target, Fields: []string{"X-Request-Id", "id-1"}})
			x.settled(t)
			entry := log.first(t)
			if entry["msg"] != test.text || entry["request_id"] != "id-1" {
				t.Errorf("%v, want %q with the id", entry, test.text)
			}
		})
	}
}

// TestFailuresAreToldOnce also where the answer that tells the client fails, and to none that went well.
func TestFailuresAreToldOnce(t *testing.T) {
	var log lines
	fail := true
	x := newHarness(t, testGeometry, nil, func(env envmap.Env) error {
		if fail {
			return errors.New("boom")
		}
		_, err := env.Write([]byte("ok"))
		return err
	}, WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
	x.do(t, ringtest.Request{})
	fail = false
	x.do(t, ringtest.Request{})
	x.settled(t)
	if n := bytes.Count(log.text.Bytes(), []byte("\n")); n != 1 {
		t.Errorf("%d lines, want one: %s", n, log.text.String())
	}
	if entry := log.first(t); entry["method"] != "GET" || entry["uri"] != "/" || entry["request_id"] != nil {
		t.Errorf("%v", entry)
	}
}
