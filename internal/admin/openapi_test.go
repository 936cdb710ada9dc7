package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// description is what GET /openapi.json answers.
func description(t *testing.T) map[string]any {
	t.Helper()
	recorder := httptest.NewRecorder()
	Handler(fullHost{}).ServeHTTP(recorder, httptest.NewRequest("GET", "/openapi.json", nil))
	var tree map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &tree); err != nil || recorder.Code != 200 {
		t.Fatalf("status %d: %v", recorder.Code, err)
	}
	return tree
}

// schemaAt resolves a schema of the description.
func schemaAt(t *testing.T, tree map[string]any, node any) *jsonschema.Resolved {
	t.Helper()
	encoded, err := json.Marshal(node)
	if err != nil {
		t.Fatal(err)
	}
	components, _ := json.Marshal(tree["components"])
	// References lead to the document's components.
	var schema jsonschema.Schema
	text := strings.ReplaceAll(string(encoded), "#/components/schemas/", "#/$defs/")
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		t.Fatal(err)
	}
	var all struct{ Schemas map[string]*jsonschema.Schema }
	if err := json.Unmarshal(components, &all); err != nil {
		t.Fatal(err)
	}
	schema.Defs = all.Schemas
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

// TestAnswersAreAsDescribed sends requests for each operation and holds the answers against the schema for their status.
func TestAnswersAreAsDescribed(t *testing.T) {
	tree := description(t)
	if tree["openapi"] != "3.1.0" {
		t.Errorf("version %v", tree["openapi"])
	}
	seen := make(map[string]bool)
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/stats", "", 200}, {"GET", "/stats/lanes", "", 200}, {"GET", "/stats/gateway", "", 200}, {"GET", "/stats/nothing", "", 404},
		{"GET", "/workers", "", 200}, {"GET", "/releases", "", 200}, {"GET", "/config", "", 200},
		{"GET", "/requests", "", 200}, {"GET", "/requests?limit=13", "", 503}, {"GET", "/requests?limit=0", "", 400}, {"GET", "/requests?limit=x", "", 400},
		{"GET", "/loglevel", "", 200}, {"PUT", "/loglevel", `{"level": "DEBUG"}`, 200}, {"PUT", "/loglevel", `{"level": "warn"}`, 200}, {"PUT", "/loglevel", `{"level": "loud"}`, 400},
		{"GET", "/healthz", "", 200}, {"GET", "/readyz", "", 503}, {"GET", "/metrics", "", 200},
		{"POST", "/swap", `{"program": "/x"}`, 200}, {"POST", "/swap", `{}`, 409}, {"POST", "/swap", `{`, 400},
		{"POST", "/rollback", `{}`, 200}, {"POST", "/drain", `{"worker": 7}`, 200}, {"POST", "/drain", `{"worker": 8}`, 409},
		{"POST", "/stop", `{}`, 200}, {"POST", "/upgrade", `{"program": "/bin/next"}`, 200}, {"POST", "/upgrade", `{}`, 409},
		{"GET", "/debug/pprof/", "", 200}, {"GET", "/debug/pprof/symbol", "", 200},
	} {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
		request.Header.Set("Content-Type", "application/json")
		Handler(fullHost{}).ServeHTTP(recorder, request)
		name := test.method + " " + test.path
		if recorder.Code != test.status {
			t.Errorf("%s: status %d, want %d: %s", name, recorder.Code, test.status, recorder.Body)
			continue
		}
		path, _, _ := strings.Cut(test.path, "?")
		if strings.HasPrefix(path, "/stats/") {
			path = "/stats/{part}"
		}
		operation, found := tree["paths"].(map[string]any)[path].(map[string]any)[strings.ToLower(test.method)].(map[string]any)
		if !found {
			t.Errorf("%s is not described", name)
			continue
		}
		seen[test.method+" "+path] = true
		response, found := operation["responses"].(map[string]any)[strconv.Itoa(test.status)].(map[string]any)
		if !found {
			t.Errorf("%s: status %d is not described", name, test.status)
			continue
		}
		kind, _, _ := strings.Cut(recorder.Header().Get("Content-Type"), ";")
		content, found := response["content"].(map[string]any)[kind].(map[string]any)
		if !found {
			t.Errorf("%s: type %s is not described for status %d", name, kind, test.status)
			continue
		}
		if !strings.Contains(kind, "json") {
			continue
		}
		schema := schemaAt(t, tree, content["schema"])
		values := []string{recorder.Body.String()}
		if kind == kindLines {
			values = strings.Split(strings.TrimSpace(recorder.Body.String()), "\n")
		}
		for _, value := range values {
			var instance any
			if err := json.Unmarshal([]byte(value), &instance); err != nil {
				t.Errorf("%s: %v in %s", name, err, value)
			} else if err := schema.Validate(instance); err != nil {
				t.Errorf("%s: %v\n%s", name, err, value)
			}
		}
	}
	// Those that go on for as long as they are followed, or measure for seconds.
	for _, other := range []string{"GET /events", "GET /debug/pprof/profile", "GET /debug/pprof/trace"} {
		seen[other] = true
	}
	for path, item := range tree["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if name := strings.ToUpper(method) + " " + path; !seen[name] {
				t.Errorf("%s is described, and no request of this test is for it", name)
			}
		}
	}
}

// TestASchemaRefusesWhatItDoesNotDescribe: the test above can fail.
func TestASchemaRefusesWhatItDoesNotDescribe(t *testing.T) {
	tree := description(t)
	schema := schemaAt(t, tree, map[string]any{"$ref": "#/components/schemas/Worker"})
	for _, text := range []string{`{}`, `{"id": "one"}`, `[]`} {
		var instance any
		if err := json.Unmarshal([]byte(text), &instance); err != nil {
			t.Fatal(err)
		}
		if schema.Validate(instance) == nil {
			t.Errorf("%s passes for a worker", text)
		}
	}
}

// TestEvents: what happened before is told first, then what happens; samples come in between, and fit their schema.
func TestEvents(t *testing.T) {
	tree := description(t)
	event, sample := schemaAt(t, tree, map[string]any{"$ref": "#/components/schemas/Event"}), schemaAt(t, tree, map[string]any{"$ref": "#/components/schemas/Sample"})
	host := journalHost{journal: NewJournal()}
	host.journal.Add(Event{Kind: "release", Name: "r1", State: "warming"})
	host.journal.Add(Event{Kind: "release", Name: "r1", State: "active", Was: "warming"})
	server := httptest.NewServer(Handler(host))
	defer server.Close()
	request, _ := http.NewRequest("GET", server.URL+"/events", nil)
	request.Header.Set("Last-Event-ID", "1")
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); kind != kindEvents {
		t.Fatalf("type %q", kind)
	}
	scanner := bufio.NewScanner(response.Body)
	next := func() (kind, data string) {
		t.Helper()
		for scanner.Scan() {
			line := scanner.Text()
			if rest, found := strings.CutPrefix(line, "event: "); found {
				kind = rest
			} else if rest, found := strings.CutPrefix(line, "data: "); found {
				data = rest
			} else if line == "" {
				return kind, data
			}
		}
		t.Fatalf("the stream ended: %v", scanner.Err())
		return "", ""
	}
	expect := func(want, pattern string, schema *jsonschema.Resolved) {
		t.Helper()
		kind, data := next()
		var instance any
		if err := json.Unmarshal([]byte(data), &instance); err != nil || kind != want || !regexp.MustCompile(pattern).MatchString(data) {
			t.Fatalf("event %q, data %s (%v), want %q with %s", kind, data, err, want, pattern)
		}
		if err := schema.Validate(instance); err != nil {
			t.Error(err)
		}
	}
	expect("state", `"id":2,.*"state":"active"`, event)
	expect("sample", `"requests":7`, sample)
	host.journal.Add(Event{Kind: "worker", Name: "4", State: "ready"})
	for {
		kind, data := next()
		if kind == "sample" {
			continue
		}
		if !strings.Contains(data, `"id":3,`) || !strings.Contains(data, `"name":"4"`) {
			t.Errorf("%s %s", kind, data)
		}
		return
	}
}

type journalHost struct {
	fullHost
	journal *Journal
}

func (h journalHost) Journal() *Journal { return h.journal }

func TestTheJournalKeepsTheLastEvents(t *testing.T) {
	j := NewJournal()
	for range keptEvents + 10 {
		j.Add(Event{Kind: "worker"})
	}
	events, more := j.After(0)
	if len(events) != keptEvents || events[0].ID != 11 || events[keptEvents-1].ID != keptEvents+10 {
		t.Errorf("%d events from %d", len(events), events[0].ID)
	}
	select {
	case <-more:
		t.Error("told of more that is not there")
	default:
	}
	j.Add(Event{})
	<-more
	if events, _ := j.After(keptEvents + 10); len(events) != 1 {
		t.Errorf("%d events after the last one that was had, want 1", len(events))
	}
	// Behind an upgrade a follower asks for what comes after an event of the gateway before.
	if events, _ := j.After(keptEvents + 12); len(events) != keptEvents {
		t.Errorf("%d events after one that never was, want all that are kept", len(events))
	}
}

func TestHeadOfTheEventsEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	answer := httptest.NewRecorder()
	Handler(journalHost{journal: NewJournal()}).ServeHTTP(answer, httptest.NewRequestWithContext(ctx, "HEAD", "/events", nil))
	if ctx.Err() != nil || answer.Code != 200 || answer.Header().Get("Content-Type") != kindEvents {
		t.Errorf("%v, status %d, %v", ctx.Err(), answer.Code, answer.Header())
	}
}

// TestFollowersEndInOrder: they do not hold up the end of the server, and are not cut by it.
func TestFollowersEndInOrder(t *testing.T) {
	host := journalHost{journal: NewJournal()}
	s, err := Open(Options{Address: "127.0.0.1:0"}, host, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	response, err := http.Get(s.URL() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	s.Close()
	if _, err := io.ReadAll(response.Body); err != nil {
		t.Errorf("the events end by %v, want an end in order", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestFollowersAreBounded(t *testing.T) {
	f := newFeed(fullHost{})
	for range maxFollowers {
		f.seats <- struct{}{}
	}
	recorder := httptest.NewRecorder()
	f.serve(recorder, httptest.NewRequest("GET", "/events", nil))
	if recorder.Code != http.StatusServiceUnavailable || !strings.Contains(recorder.Body.String(), string(CodeBusy)) {
		t.Errorf("status %d: %s", recorder.Code, recorder.Body)
	}
}
