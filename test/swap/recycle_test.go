package swap

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringway/internal/admin"
	"ringway/test/e2e/system"
)

// serving counts the workers that get requests.
func serving(s *admin.Snapshot) (n int) {
	for _, w := range s.Workers {
		if w.State == "ready" && w.Standby == "" {
			n++
		}
	}
	return n
}

// TestRecycling: workers make way for fresh ones under load; no client notices, and never do fewer serve.
func TestRecycling(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		program string
		workers int
		flags   string
		kinds   []func(*client) error
		why     string
	}{
		"requests":         {"", 2, "--worker-max-requests 300", []func(*client) error{hello, sleep, echo}, "requests, at most 300"},
		"age":              {"", 2, "--worker-max-age 1500ms --probe /headers", []func(*client) error{hello, sleep, echo}, "at most 1.5s"},
		"memory":           {growing, 2, "--worker-max-memory 96MiB", []func(*client) error{hello}, "bytes of memory, at most"},
		"one worker alone": {"", 1, "--worker-max-requests 300", []func(*client) error{hello, sleep, echo}, "requests, at most 300"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := append(strings.Fields(test.flags), "--workers", fmt.Sprint(test.workers))
			g := system.StartGateway(t, system.Options{Supervised: true, Program: test.program, Flags: flags})
			system.Eventually(t, "all workers serve", func() bool { s := g.Stats(); return serving(&s) == test.workers })
			crowd := gather(t, g, clients, test.kinds...)
			system.Eventually(t, "three workers are replaced", func() bool {
				s := g.Stats()
				if n := serving(&s); n < test.workers {
					t.Errorf("%d workers serve, expected %d at least", n, test.workers)
				}
				if n := len(s.Workers); n > test.workers+1 {
					t.Errorf("%d workers are attached, expected %d and one that replaces another", n, test.workers)
				}
				return s.Supervisor.Recycling.Count >= 3 || t.Failed()
			})
			answers := crowd.disperse()
			s := g.Stats()
			t.Logf("%d answers, %d workers replaced", answers, s.Supervisor.Recycling.Count)
			if s.Supervisor.Restarts != 0 || len(s.Releases) != 1 || s.Releases[0].State != "active" {
				t.Errorf("%d restarts, releases %+v", s.Supervisor.Restarts, s.Releases)
			}
			if !strings.Contains(g.Stderr(), test.why) {
				t.Errorf("the log does not tell %q", test.why)
			}
			g.WaitIdle()
			g.Stop()
		})
	}
}

// moody is the worker behind a script that ends at once while a file exists.
func moody(t *testing.T) (program, mood string) {
	t.Helper()
	directory := t.TempDir()
	program, mood = filepath.Join(directory, "app"), filepath.Join(directory, "bad")
	script := fmt.Sprintf("#!/bin/sh\nif [ -e %s ]; then echo cannot serve today >&2; exit 3; fi\nexec %s \"$@\"\n", mood, system.Programs.Worker)
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return program, mood
}

// TestRecyclingWaitsForAGoodReplacement: where no fresh worker gets ready, the old one serves on.
func TestRecyclingWaitsForAGoodReplacement(t *testing.T) {
	t.Parallel()
	program, mood := moody(t)
	g := system.StartGateway(t, system.Options{Supervised: true, Program: program, Flags: []string{"--worker-max-requests", "100"}})
	if err := os.WriteFile(mood, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	pid := g.Stats().Workers[0].Pid
	crowd := gather(t, g, clients, hello, echo)
	system.Eventually(t, "a replacement fails", func() bool {
		return strings.Contains(g.Stats().Supervisor.Recycling.Failure, "exit status 3") || t.Failed()
	})
	if status, err := command(t, g, "status"); err != nil || !strings.Contains(status, "the last replacement failed: the new one ended") {
		t.Errorf("status %v\n%s", err, status)
	}
	crowd.waitForEach()
	if now := g.Stats().Workers[0].Pid; now != pid {
		t.Errorf("worker %d serves, expected %d", now, pid)
	}
	if err := os.Remove(mood); err != nil {
		t.Fatal(err)
	}
	system.Eventually(t, "the worker is replaced", func() bool {
		r := g.Stats().Supervisor.Recycling
		return r.Count > 0 && r.Failure == "" || t.Failed()
	})
	crowd.disperse()
	g.WaitIdle()
	g.Stop()
}

// TestBreaker: a worker that keeps ending is not started again and again; it is tried, and kept once it is good.
func TestBreaker(t *testing.T) {
	t.Parallel()
	program, mood := moody(t)
	g := system.StartGateway(t, system.Options{
		Supervised: true, Program: program, Worker: []string{"--release", "old"},
		Flags: []string{"--breaker-ends", "4", "--breaker-wait", "1s", "--queue-deadline", "1s", "--confirm", "50ms"},
	})
	slot := func() (state, end string) {
		s := g.Stats().Supervisor.Slots[0]
		return s.State, s.LastExit
	}
	bad := func() {
		t.Helper()
		if err := os.WriteFile(mood, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, w := range g.Stats().Workers {
			kill(t, w.Pid)
		}
		system.Eventually(t, "the breaker is open", func() bool {
			state, end := slot()
			return state == "breaker open" && end == "exit status 3"
		})
	}
	bad()
	system.Eventually(t, "status tells so", func() bool { // not in the moment of a trial
		status, err := command(t, g, "status")
		return err == nil && strings.Contains(status, "breaker open, next start in ") && strings.Contains(status, "exit status 3 after ")
	})
	if err := os.Remove(mood); err != nil {
		t.Fatal(err)
	}
	system.Eventually(t, "a trial", func() bool { state, _ := slot(); return state == "trial" || state == "running" })
	crowd := gather(t, g, clients, hello)
	system.Eventually(t, "the breaker is closed", func() bool { state, _ := slot(); return state == "running" })
	crowd.disperse()
	// Another build takes the place of one whose breaker is open.
	bad()
	if output, err := command(t, g, "swap", copied(t, system.Programs.Worker), "--", "--release", "new"); err != nil {
		t.Errorf("swap: %v\n%s", err, output)
	}
	settled(t, g)
	if state, _ := slot(); state != "running" {
		t.Errorf("the slot is %s", state)
	}
	log := g.Stderr()
	for _, want := range []string{`exit="signal: killed"`, `line="cannot serve today"`, "breaker is open", "breaker is closed"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not tell %q", want)
		}
	}
	g.Stop()
}
