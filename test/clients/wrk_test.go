package clients

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed testdata/load.lua
var loadScript string

// load is what wrk saw.
type load struct {
	Seen   uint64 `json:"seen"`   // answers
	Bad    uint64 `json:"bad"`    // answers that are not what was asked for
	Errors uint64 `json:"errors"` // of connections
}

const loadConnections = 8

// runWrk lets wrk send for a second over loadConnections connections.
func runWrk(t *testing.T, base string, arguments ...string) load {
	t.Helper()
	name := filepath.Join(t.TempDir(), "load.lua")
	if err := os.WriteFile(name, []byte(loadScript), 0o600); err != nil {
		t.Fatal(err)
	}
	p := exec.Command(command(t, "wrk"), append([]string{"-t1", "-c" + itoa(loadConnections), "-d1s", "-s", name, base, "--"}, arguments...)...)
	var problems bytes.Buffer
	p.Stderr = &problems
	output, err := p.Output()
	if err != nil {
		t.Fatalf("wrk: %v\n%s\n%s", err, output, problems.Bytes())
	}
	var l load
	if err := json.Unmarshal(problems.Bytes(), &l); err != nil {
		t.Fatalf("wrk: %v\n%s\n%s", err, output, problems.Bytes())
	}
	if l.Seen == 0 || l.Bad != 0 || l.Errors != 0 {
		t.Errorf("wrk saw %d answers, %d of them bad, and %d errors", l.Seen, l.Bad, l.Errors)
	}
	return l
}

// TestWrk: under load each answer is whole, in keep-alive, pipelined and with a connection for each request.
func TestWrk(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		arguments []string
		keeps     bool
	}{
		{"keep-alive", []string{"1"}, true},
		{"pipelined", []string{"16"}, true},
		{"close", []string{"1", "Connection: close"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, "env")
			l := runWrk(t, "http://"+g.Addr, test.arguments...)
			if got := requests(g); got < l.Seen {
				t.Errorf("wrk saw %d answers to %d requests", l.Seen, got)
			}
			// wrk tries the address once before it begins.
			if got := accepted(g); test.keeps != (got == loadConnections+1) {
				t.Errorf("%d connections for %d requests", got, l.Seen)
			}
			clean(t, g)
		})
	}
}
