package gateway

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringway/internal/engine"
)

func TestWhatTheOperatorGotWrongIsAnInputError(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	address := busy.Addr().String()
	missing := filepath.Join(t.TempDir(), "missing")
	for name, change := range map[string]func(*Config){
		address:        func(c *Config) { c.Listen = append(c.Listen, address) },
		address + " ":  func(c *Config) { c.Admin = address },
		"/no/such/dir": func(c *Config) { c.Socket = "/no/such/dir/s" },
		missing:        func(c *Config) { c.Program = &Program{Argv: []string{missing}, Count: 2} },
		"memory limit": func(c *Config) { c.MemoryLimit = 1 },
	} {
		fake := newFakeEngine()
		config := testConfig(t)
		change(&config)
		_, err := Start(config, fake, testLog(t))
		var input *InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("error %v, want an InputError that names %q", err, name)
		}
		if !fake.saw("close") {
			t.Errorf("%s: the engine was not closed", name)
		}
		if entries, _ := os.ReadDir(filepath.Dir(config.Socket)); len(entries) != 0 && config.Socket != "/no/such/dir/s" {
			t.Errorf("%s: left behind: %v", name, entries)
		}
	}
}

func TestAnEngineThatCannotStartIsNoInputError(t *testing.T) {
	fake := newFakeEngine()
	fake.failure = errors.New("no threads")
	var input *InputError
	if _, err := Start(testConfig(t), fake, testLog(t)); err == nil || errors.As(err, &input) {
		t.Errorf("error %v", err)
	}
}

func TestSupervisedWorkersAreToldWhereToAttachAndEnd(t *testing.T) {
	fake := newFakeEngine()
	mark := filepath.Join(t.TempDir(), "mark")
	g := start(t, fake, func(c *Config) {
		c.Program = &Program{
			Argv:  []string{"/bin/sh", "-c", `trap 'exit 0' TERM; echo "$RINGWAY_SUPERVISED $RINGWAY_SOCKET" > ` + mark + `; while :; do sleep 0.01; done`},
			Count: 2,
		}
	})
	eventually(t, "the worker's environment", func() bool {
		content, _ := os.ReadFile(mark)
		return strings.TrimSpace(string(content)) == "1 "+g.config.Socket
	})
	s := g.Snapshot().Supervisor
	if s == nil || len(s.Slots) != 2 || s.Slots[0].Pid == 0 || s.Program != "/bin/sh" {
		t.Errorf("supervisor %+v", s)
	}
	begin := time.Now()
	g.Stop()
	waitDone(t, g)
	if took := time.Since(begin); took >= killGrace {
		t.Errorf("the end took %v: the workers were not told to end", took)
	}
}

func TestSupervisedWorkersThatIgnoreTheEndAreKilled(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) {
		c.DrainLimit = time.Millisecond
		c.Program = &Program{Argv: []string{"/bin/sh", "-c", `trap '' TERM; while :; do sleep 0.01; done`}, Count: 1}
	})
	begin := time.Now()
	g.Stop()
	waitDone(t, g)
	if took := time.Since(begin); took > killGrace+releaseGrace {
		t.Errorf("the end took %v", took)
	}
}

func TestRefusedRequestsAreLoggedALimitedNumberOfTimes(t *testing.T) {
	var text bytes.Buffer
	r := newRefusals(slog.New(slog.NewTextHandler(&text, nil)))
	now := r.since
	r.now = func() time.Time { return now }
	notice := engine.Notice{Kind: engine.Refused, Client: "192.0.2.1:5", Status: 400, Text: "two Content-Length fields"}
	for range 100 {
		r.log(notice)
	}
	if lines := strings.Count(text.String(), "\n"); lines != refusalBurst {
		t.Errorf("%d lines, want %d", lines, refusalBurst)
	}
	if strings.Contains(text.String(), "request_id") {
		t.Errorf("%q has an id", text.String())
	}
	now = now.Add(refusalEvery)
	text.Reset()
	notice.RequestID = "id-7"
	r.log(notice)
	for _, want := range []string{"client=192.0.2.1:5", "request_id=id-7", "status=400", `reason="two Content-Length fields"`, "lines_skipped=90"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q lacks %q", text.String(), want)
		}
	}
}
