package gateway

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ringway/internal/admin"
	"ringway/internal/engine"
)

// While nothing serves, a release that a newer one was to come before is taken if it is ready first.
func TestWhicheverReleaseIsReadyFirst(t *testing.T) {
	for name, dead := range map[string]bool{"nothing was active": false, "the active one has no workers": true} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeEngine()
			g := start(t, fake, func(c *Config) { c.ReadyWorkers, c.Confirm = 2, time.Hour })
			first := 1
			if dead {
				old := []*fakeWorker{attachIdle(t, g, "r0"), attachRelease(t, g, fake, 2, "r0")}
				for _, w := range old {
					_ = w.conn.Close()
				}
				eventually(t, "r0 has no worker", func() bool { return len(g.Snapshot().Workers) == 0 })
				first = 3
			}
			attachIdle(t, g, "r1")
			newer := attachIdle(t, g, "r2")
			if got := states(g); got["r1"] != "warming" || got["r2"] != "warming" {
				t.Fatalf("releases %v", got)
			}
			_ = newer.conn.Close()
			eventually(t, "r2 has no worker", func() bool { return len(g.Snapshot().Workers) == 1 })
			attachRelease(t, g, fake, first+2, "r1")
			if got := states(g); got["r1"] != "active" || got["r2"] != "warming" || dead && got["r0"] != "retired" {
				t.Errorf("releases %v", got)
			}
			// The newer one goes on from it, and has it to fall back on.
			attachIdle(t, g, "r2")
			attachRelease(t, g, fake, first+4, "r2")
			if got := states(g); got["r1"] != "standby" || got["r2"] != "active" {
				t.Errorf("releases %v", got)
			}
		})
	}
}

// The newer one is first: the older has lost.
func TestASupersededReleaseFailsWhenAnotherIsActive(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.ReadyWorkers = 2 })
	attachIdle(t, g, "r1")
	attachIdle(t, g, "r2")
	attachRelease(t, g, fake, 3, "r2")
	attachIdle(t, g, "r1")
	if got := states(g); got["r1"] != "failed" || got["r2"] != "active" || fake.selected(4) {
		t.Errorf("releases %v", got)
	}
}

// What crashes before it is active does not keep the older one from serving, and fails as soon as that serves.
func TestANewReleaseThatCrashesBeforeAnythingIsActive(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.Probe, c.Confirm = "/p", time.Hour })
	attachIdle(t, g, "r1")
	eventually(t, "the probe", func() bool { return fake.saw("probe 1 /p") })
	for range 3 {
		_ = attachIdle(t, g, "r2").conn.Close()
	}
	eventually(t, "r1 alone is left", func() bool { return len(g.Snapshot().Workers) == 1 })
	attachIdle(t, g, "r2")
	fake.answerProbe(1, 1, 200)
	eventually(t, "r1 is active", func() bool { return fake.selected(1) })
	_ = attachIdle(t, g, "r2").conn.Close()
	eventually(t, "r2 has failed", func() bool { return states(g)["r2"] == "failed" })
}

// A swap by command to a release that is no good leaves what was getting ready before.
func TestASwapThatFailsBeforeAnythingIsActive(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) {
		c.Program = &Program{Argv: []string{"/bin/sh", "-c", "exec sleep 1000"}, Count: 1}
	})
	told := make(chan admin.Progress, 16)
	if err := g.Swap("/bin/false", nil, func(p admin.Progress) { told <- p }); err != nil {
		t.Fatal(err)
	}
	var last admin.Progress
	for !last.Done {
		last = <-told
	}
	if !strings.Contains(last.Error, "exit status 1") {
		t.Errorf("%+v", last)
	}
	attachTicket(t, g, "r1", ticket(1, 1))
	eventually(t, "the first release is active", func() bool { return fake.selected(1) })
}

// There is an end to how many releases are remembered because they may be the first.
func TestCandidatesAreBounded(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.ReadyWorkers = 2 })
	for i := range 3 * keptReleases {
		w := attachIdle(t, g, fmt.Sprintf("r%d", i))
		_ = w.conn.Close()
		eventually(t, "it is gone", func() bool { return len(g.Snapshot().Workers) == 0 })
	}
	if n := len(g.Snapshot().Releases); n > 2*keptReleases+2 {
		t.Errorf("%d releases are remembered", n)
	}
}

// A late answer to one question is none to the next.
func TestAnswersToAnEarlierProbe(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.Probe = "/p" })
	attachIdle(t, g, "r1")
	eventually(t, "the probe", func() bool { return len(fake.asked()) == 1 })
	answer := func(loop int, round uint64, status int) {
		fake.notices <- engine.Notice{Kind: engine.Probed, Worker: 1, Loop: loop, Round: round, Status: status}
	}
	answer(0, 1, 503)
	eventually(t, "the second probe", func() bool { return len(fake.asked()) == 2 })
	answer(1, 1, 200)
	answer(0, 2, 200)
	answer(0, 2, 200) // no loop answers twice
	answer(1, 3, 200)
	fake.notices <- engine.Notice{Kind: engine.Stuck, Worker: 1, Stuck: true} // after all these
	eventually(t, "all answers were heard", func() bool { return g.Snapshot().Workers[0].Stuck })
	if fake.selected(1) || states(g)["r1"] != "warming" {
		t.Error("the worker gets requests before its second lane has answered")
	}
	answer(1, 2, 200)
	eventually(t, "selection", func() bool { return fake.selected(1) })
}

// A release is active when the loops know, and not before.
func TestNoActivationWithoutSelection(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, nil)
	old := attachWorker(t, g, fake, 1)
	fake.refuseSelections(errors.New("no memory"))
	attachIdle(t, g, "r2")
	eventually(t, "r2 is ready", func() bool { s := g.Snapshot(); return len(s.Workers) == 2 && s.Workers[1].State == "ready" })
	old.quietFor(3 * selectAgain)
	if got := states(g); got["r1"] != "active" || got["r2"] != "warming" {
		t.Errorf("releases %v", got)
	}
	fake.refuseSelections(nil)
	eventually(t, "r2 is active", func() bool { return fake.selected(2) })
	old.expectDrain()
}

// When it never succeeds the old release stays.
func TestASwapWithoutSelectionFails(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.ReadyLimit = 4 * selectAgain })
	attachWorker(t, g, fake, 1)
	fake.refuseSelections(errors.New("no memory"))
	attachIdle(t, g, "r2")
	eventually(t, "r2 has failed", func() bool { return states(g)["r2"] == "failed" })
	for _, r := range g.Snapshot().Releases {
		if r.Name == "r2" && !strings.Contains(r.Reason, "could not be given requests") {
			t.Errorf("reason %q", r.Reason)
		}
	}
	fake.refuseSelections(nil)
	// What changed meanwhile is made up for.
	attachRelease(t, g, fake, 3, "r1")
}

// A place that could not be given back at once is given back later.
func TestGivingBackIsTriedAgain(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.Confirm = time.Hour })
	attachWorker(t, g, fake, 1)
	second := attachRelease(t, g, fake, 2, "r2")
	fake.refuseSelections(errors.New("no memory"))
	_ = second.conn.Close()
	eventually(t, "r2 has failed", func() bool { return states(g)["r2"] == "failed" })
	fake.refuseSelections(nil)
	eventually(t, "requests go to r1", func() bool { return fake.selected(1) })
}
