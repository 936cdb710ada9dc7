package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"ringway/internal/admin"
)

func (p *process) ask(method, path, body string) (int, []byte) {
	p.t.Helper()
	request, err := http.NewRequest(method, p.admin+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	var raw json.RawMessage
	if err := json.NewDecoder(response.Body).Decode(&raw); err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, raw
}

// TestWhatARealGatewayAnswersIsAsDescribed: package admin's own test has a host that is made up.
func TestWhatARealGatewayAnswersIsAsDescribed(t *testing.T) {
	p := launch(t, "--worker", workerBinary, "--loops", "2", "--access-log", t.TempDir()+"/log")
	p.workerPid()
	expectBody(t, p.url+"/", "Hello, World!")
	_, raw := p.ask("GET", "/openapi.json", "")
	var tree struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct{ Schema json.RawMessage }
			}
		}
		Components struct{ Schemas map[string]*jsonschema.Schema }
	}
	// References lead to the document's components.
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(raw), "#/components/schemas/", "#/$defs/")), &tree); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/stats", "/workers", "/releases", "/requests", "/config", "/loglevel", "/healthz", "/readyz"} {
		status, body := p.ask("GET", path, "")
		if status != 200 {
			t.Errorf("%s: status %d: %s", path, status, body)
		}
		var schema jsonschema.Schema
		if err := json.Unmarshal(tree.Paths[path]["get"].Responses["200"].Content["application/json"].Schema, &schema); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		schema.Defs = tree.Components.Schemas
		resolved, err := schema.Resolve(nil)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(body, &value); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(value); err != nil {
			t.Errorf("%s: %v\n%s", path, err, body)
		}
	}
}

// TestRequestsInFlightAreListed: in each of their states, with what a person would look for.
func TestRequestsInFlightAreListed(t *testing.T) {
	p := launch(t, "--queue-deadline", "20s")
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	find := func(state, path string) {
		t.Helper()
		eventually(t, "a request that is "+state, func() bool {
			_, raw := p.ask("GET", "/requests", "")
			var list admin.InFlight
			if err := json.Unmarshal(raw, &list); err != nil {
				t.Fatal(err)
			}
			for _, r := range list.Requests {
				if r.State == state && r.Path == path && r.Method == "GET" && r.Age > 0 && r.Client == conn.LocalAddr().String() {
					return list.Total == 1
				}
			}
			return false
		})
	}
	if _, err := fmt.Fprint(conn, "GET /sleep?ms=1000 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	find("parked", "/sleep")
	p.worker()
	find("running", "/sleep")
	if status, _ := p.ask("GET", "/requests?limit=-1", ""); status != 400 {
		t.Errorf("a limit of -1: status %d", status)
	}
}

func TestTheLogLevelChanges(t *testing.T) {
	p := launch(t)
	if _, raw := p.ask("GET", "/loglevel", ""); !strings.Contains(string(raw), `"INFO"`) {
		t.Errorf("%s, want INFO", raw)
	}
	if status, raw := p.ask("PUT", "/loglevel", `{"level": "ERROR"}`); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	before := p.stderr.String()
	p.worker() // says nothing that is an error
	p.workerPid()
	if got := p.stderr.String(); got != before {
		t.Errorf("logged at ERROR: %s", strings.TrimPrefix(got, before))
	}
}

// worker starts a worker beside the gateway.
func (p *process) worker() {
	p.t.Helper()
	worker := exec.Command(workerBinary)
	worker.Env = append(os.Environ(), "RINGWAY_SOCKET="+p.socket)
	if err := worker.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = worker.Process.Kill()
		_ = worker.Wait()
	})
}

// TestAnAdminServerForOthersNeedsAToken: without one the gateway does not start; with one, clients bear it.
func TestAnAdminServerForOthersNeedsAToken(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "control.sock")
	code, _, stderr := runGateway(t, "serve", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0", "--socket", socket)
	if code != 2 || !strings.Contains(stderr, "--admin-token-file") {
		t.Errorf("without a token: code %d: %s", code, stderr)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "admin.sock")
	q := start(t, "serve", "--listen", "127.0.0.1:0", "--admin", "unix:"+path, "--admin-token-file", file, "--socket", socket)
	if q.admin != "unix:"+path {
		t.Errorf("announced %q", q.admin)
	}
	if code, stdout, stderr := runGateway(t, "status", "--admin", "unix:"+path, "--admin-token-file", file); code != 0 || !strings.Contains(stdout, "gateway  running") {
		t.Errorf("with a token: code %d: %s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := runGateway(t, "status", "--admin", "unix:"+path, "--admin-token-file", file, "--json"); code != 0 ||
		!json.Valid([]byte(stdout)) || !strings.Contains(stdout, "\n    \"state\": \"running\",\n") {
		t.Errorf("status --json: %d, %s%s", code, stdout, stderr)
	}
	if code, _, stderr := runGateway(t, "status", "--admin", "unix:"+path); code == 0 || !strings.Contains(stderr, "token") {
		t.Errorf("without a token: code %d: %s", code, stderr)
	}
}
