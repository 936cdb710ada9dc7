package gateway

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ringway/internal/engine"
)

func TestWhenAWorkerIsDue(t *testing.T) {
	limits := Recycle{Requests: 100, Memory: 1 << 20, Age: 10 * time.Second}
	for _, test := range []struct {
		name     string
		limits   Recycle
		requests uint64
		memory   int64
		age      time.Duration
		spread   float64
		cause    string // empty: not due
		want     string // part of the reason
	}{
		{"young", limits, 99, 1 << 20, 8 * time.Second, 0.9, "", ""},
		{"requests", limits, 100, 0, 0, 0, "requests", "100 requests"},
		{"memory", limits, 0, 1<<20 + 1, 0, 0, "memory", "1048577 bytes"},
		{"age", limits, 0, 0, 10 * time.Second, 0, "age", "age 10s"},
		{"spread", limits, 0, 0, 9500 * time.Millisecond, 0.6, "age", "age 9.5s"},
		{"less spread", limits, 0, 0, 9500 * time.Millisecond, 0.4, "", ""},
		{"memory unknown", limits, 0, -1, 0, 0, "", ""},
		{"no limits", Recycle{}, 1 << 60, 1 << 60, 1 << 60, 0.9, "", ""},
	} {
		cause, reason := test.limits.due(test.requests, test.memory, test.age, test.spread)
		if cause != test.cause || cause == "" && reason != "" || !strings.Contains(reason, test.want) {
			t.Errorf("%s: %q, %q, want %q, %q", test.name, cause, reason, test.cause, test.want)
		}
	}
}

func TestResidentSet(t *testing.T) {
	if got, err := residentSet(os.Getpid()); err != nil || got < 1<<20 || got > 1<<36 {
		t.Errorf("%d bytes, %v", got, err)
	}
	if _, err := residentSet(1 << 30); err == nil {
		t.Error("a process that does not exist has memory")
	}
}

// recycled starts a gateway with one supervised worker that is due, played by the test, and waits for its replacement.
func recycled(t *testing.T, fake *fakeEngine, change func(*Config)) (*Gateway, *fakeWorker) {
	t.Helper()
	fake.busy = 1
	fake.ended = 10
	g := start(t, fake, func(c *Config) {
		c.Program = &Program{Argv: []string{"/bin/sh", "-c", "exec sleep 1000"}, Count: 1}
		c.Recycle.Requests = 10
		if change != nil {
			change(c)
		}
	})
	old := attachTicket(t, g, "r1", ticket(1, 1))
	if g.config.Probe != "" {
		eventually(t, "the probe", func() bool { return fake.saw("probe 1 /p") })
		fake.answerProbe(1, 1, 200)
	}
	eventually(t, "selection", func() bool { return fake.selected(1) })
	eventually(t, "a fresh process", func() bool {
		slots := g.Snapshot().Supervisor.Slots
		return len(slots) == 2 && slots[1].Pid != 0
	})
	return g, old
}

func TestAFreshWorkerServesBeforeTheOldOneDrains(t *testing.T) {
	fake := newFakeEngine()
	g, old := recycled(t, fake, func(c *Config) { c.Probe = "/p" })
	fresh := attachTicket(t, g, "r1", ticket(1, 2))
	eventually(t, "the probe", func() bool { return fake.saw("probe 2 /p") })
	s := g.Snapshot()
	if s.Workers[1].Standby == "" || s.Supervisor.Recycling.Worker != 1 || s.Releases[0].Ready != 1 || fake.selected(2) {
		t.Errorf("while the fresh one is probed: %+v", s)
	}
	fake.answerProbe(2, 2, 200)
	eventually(t, "the old one drains", func() bool { return fake.saw("drain 1") })
	calls := fake.seen()
	if both, drain := slices.Index(calls, "select [1 2]"), slices.Index(calls, "drain 1"); both < 0 || both > drain {
		t.Errorf("calls %v, want both selected before the old one drains", calls)
	}
	fake.notices <- engine.Notice{Kind: engine.Idle, Worker: 1}
	old.expectDrain()
	eventually(t, "one replacement", func() bool {
		s := g.Snapshot()
		return s.Supervisor.Recycling.Count == 1 && s.Changes.Recycled[recycledRequests] == 1
	})
	fresh.quietFor(50 * time.Millisecond)
	g.Cut()
	waitDone(t, g)
}

func TestAFreshWorkerThatIsNoGoodLeavesTheOldOne(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(g *Gateway, fake *fakeEngine, fresh *fakeWorker)
		reason  string
	}{
		"bad answer": {func(_ *Gateway, f *fakeEngine, _ *fakeWorker) {
			f.notices <- engine.Notice{Kind: engine.Probed, Worker: 2, Round: 2, Status: 502}
		}, "status 502"},
		"disconnects": {func(_ *Gateway, _ *fakeEngine, w *fakeWorker) { _ = w.conn.Close() }, "closed its control socket"},
		"process killed": {func(g *Gateway, _ *fakeEngine, _ *fakeWorker) {
			g.mail.call(func() { g.active.crew.supervisor.Kill(2) })
		}, "signal: killed"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeEngine()
			g, old := recycled(t, fake, func(c *Config) { c.Probe = "/p" })
			fresh := attachTicket(t, g, "r1", ticket(1, 2))
			eventually(t, "the probe", func() bool { return fake.saw("probe 2 /p") })
			test.happens(g, fake, fresh)
			eventually(t, "the failure", func() bool { return strings.Contains(g.Snapshot().Supervisor.Recycling.Failure, test.reason) })
			if n := g.Snapshot().Changes.Recycled[recycleFailed]; n == 0 {
				t.Error("the failure is not counted")
			}
			old.quietFor(20 * time.Millisecond)
			if fake.saw("drain 1") || fake.selected(2) || !fake.selected(1) {
				t.Errorf("calls %v", fake.seen())
			}
			g.Cut()
			waitDone(t, g)
		})
	}
}

func TestASwapCallsAReplacementOff(t *testing.T) {
	fake := newFakeEngine()
	g, _ := recycled(t, fake, nil)
	if err := g.Swap("/bin/sh", []string{"-c", "exec sleep 1000"}, nil); err != nil {
		t.Fatal(err)
	}
	// It attaches all the same, and may not get a request.
	late := attachTicket(t, g, "r1", ticket(1, 2))
	eventually(t, "it is ready", func() bool { s := g.Snapshot(); return len(s.Workers) == 2 && s.Workers[1].State == "ready" })
	late.quietFor(20 * time.Millisecond)
	if s := g.Snapshot(); fake.selected(2) || s.Supervisor.Recycling.Worker != 0 || s.Workers[1].Standby != "its process was given up" {
		t.Errorf("%+v", s)
	}
	g.Cut()
	waitDone(t, g)
}

// A worker that is drained by command has a fresh one beside it first; of two, one after the other.
func TestDrainReplacesAWorker(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) {
		c.Program = &Program{Argv: []string{"/bin/sh", "-c", "exec sleep 1000"}, Count: 2}
	})
	attachTicket(t, g, "r1", ticket(1, 1))
	attachTicket(t, g, "r1", ticket(1, 2))
	eventually(t, "selection", func() bool { return fake.selected(1) && fake.selected(2) })
	for _, id := range []uint64{1, 2, 1} {
		if err := g.Drain(id); err != nil {
			t.Fatal(err)
		}
	}
	slots := func() int { return len(g.Snapshot().Supervisor.Slots) }
	eventually(t, "a fresh process", func() bool { return slots() == 3 })
	if fake.saw("drain 1") || fake.saw("drain 2") {
		t.Errorf("calls %v", fake.seen())
	}
	attachTicket(t, g, "r1", ticket(1, 3))
	eventually(t, "the first one drains", func() bool { return fake.saw("drain 1") })
	if !fake.selected(3) || fake.saw("drain 2") {
		t.Errorf("calls %v", fake.seen())
	}
	g.mail.call(func() { g.active.crew.supervisor.Kill(1) })
	eventually(t, "the next fresh process", func() bool { return slots() == 3 && g.Snapshot().Supervisor.Recycling.Worker == 2 })
	attachTicket(t, g, "r1", ticket(1, 4))
	eventually(t, "the second one drains", func() bool { return fake.saw("drain 2") })
}

// The place of a worker is not given away as long as the loops do not know of the fresh one.
func TestNoReplacementWithoutSelection(t *testing.T) {
	fake := newFakeEngine()
	g, _ := recycled(t, fake, nil)
	fake.refuseSelections(errors.New("no memory"))
	attachTicket(t, g, "r1", ticket(1, 2))
	eventually(t, "the failure", func() bool {
		return strings.Contains(g.Snapshot().Supervisor.Recycling.Failure, "cannot be given requests: no memory")
	})
	if fake.saw("drain 1") {
		t.Errorf("calls %v", fake.seen())
	}
	fake.refuseSelections(nil)
}
