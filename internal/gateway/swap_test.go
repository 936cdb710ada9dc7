package gateway

import (
	"slices"
	"testing"
	"time"

	"ringway/internal/admin"
)

// states are the releases by name.
func states(g *Gateway) map[string]string {
	all := map[string]string{}
	for _, r := range g.Snapshot().Releases {
		all[r.Name] = r.State
	}
	return all
}

func TestAReleaseStandsByUntilTheNextIsConfirmed(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.Confirm = 50 * time.Millisecond })
	first := attachWorker(t, g, fake, 1)
	second := attachRelease(t, g, fake, 2, "r2")
	if fake.selected(1) {
		t.Error("the release before still gets requests")
	}
	first.expectDrain()
	eventually(t, "r1 is retired", func() bool { return states(g)["r1"] == "retired" })
	// A worker of it that comes back changes nothing.
	again := attachIdle(t, g, "r1")
	again.quietFor(50 * time.Millisecond)
	if got := states(g); got["r1"] != "retired" || got["r2"] != "active" || fake.selected(3) {
		t.Errorf("releases %v", got)
	}
	_ = second.conn.Close()
	g.Cut()
	waitDone(t, g)
}

func TestAReleaseThatCrashesGivesItsPlaceBack(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.Confirm = time.Hour })
	first := attachWorker(t, g, fake, 1)
	second := attachRelease(t, g, fake, 2, "r2")
	eventually(t, "r1 takes what r2 drops", func() bool { return slices.Equal(fake.takesDropped(), []uint64{1}) })
	_ = second.conn.Close()
	eventually(t, "r1 is active again", func() bool { return fake.selected(1) })
	if n := len(fake.takesDropped()); n != 0 {
		t.Errorf("%d workers take what others drop, expected none", n)
	}
	if got := states(g); got["r1"] != "active" || got["r2"] != "failed" {
		t.Errorf("releases %v", got)
	}
	first.quietFor(50 * time.Millisecond)
	g.Cut()
	waitDone(t, g)
}

// One that has opened the breaker gives its place back although others are ready, and before the limit of crashes.
func TestAReleaseWhoseBreakerOpensGivesItsPlaceBack(t *testing.T) {
	for name, test := range map[string]struct{ unconfirmed, broken bool }{
		"while it is confirmed": {true, true}, "after that": {false, true}, "a crash alone": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeEngine()
			g := start(t, fake, func(c *Config) {
				if test.unconfirmed {
					c.Confirm = time.Hour
				}
			})
			attachWorker(t, g, fake, 1)
			attachRelease(t, g, fake, 2, "r2")
			g.mail.call(func() {
				g.active.broken = test.broken
				g.crashed(g.active, "exit status 3")
			})
			want := map[bool]string{true: "failed", false: "active"}[test.unconfirmed && test.broken]
			if got := states(g)["r2"]; got != want {
				t.Errorf("the release is %s, want %s", got, want)
			}
			g.Cut()
			waitDone(t, g)
		})
	}
}

// The end of a process that the gateway has started is heard of before its control socket is closed, or after.
func TestACrashIsSeenInEitherOrder(t *testing.T) {
	for name, processFirst := range map[string]bool{"process first": true, "socket first": false} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeEngine()
			g := start(t, fake, func(c *Config) { c.Confirm = time.Hour })
			attachWorker(t, g, fake, 1)
			second := attachRelease(t, g, fake, 2, "r2")
			crash := func() {
				g.mail.call(func() { g.crashed(g.active, "signal 9") })
			}
			// As if it were one of the gateway's own, whose end the socket alone does not tell.
			g.mail.call(func() { g.active.crew = &crew{held: true, ended: true} })
			if processFirst {
				crash()
				_ = second.conn.Close()
			} else {
				_ = second.conn.Close()
				eventually(t, "worker 2 is gone", func() bool { return fake.saw("detach 2") })
				crash()
			}
			eventually(t, "r1 is active again", func() bool { return fake.selected(1) })
			g.Cut()
			waitDone(t, g)
		})
	}
}

// TestRollbackWhileConfirmed: the release before takes its place again, not the one before that.
func TestRollbackWhileConfirmed(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.Confirm = time.Hour })
	attachWorker(t, g, fake, 1)
	attachRelease(t, g, fake, 2, "r2")
	var told admin.Progress
	if err := g.Rollback(func(p admin.Progress) { told = p }); err != nil || !told.Done || told.Error != "" {
		t.Errorf("%v, %+v", err, told)
	}
	if got := states(g); got["r1"] != "active" || got["r2"] != "failed" || !fake.selected(1) {
		t.Errorf("releases %v", got)
	}
	g.Cut()
	waitDone(t, g)
}
