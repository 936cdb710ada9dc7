package gateway

import (
	"fmt"
	"testing"
	"time"

	"ringway/internal/admin"
	"ringway/internal/engine"
)

// While a release stands by it takes over from a new one of which no worker serves, for whatever reason.
func TestTheReleaseBeforeTakesOver(t *testing.T) {
	for name, trouble := range map[string]func(*Gateway, *fakeEngine, *fakeWorker){
		"crash":   func(_ *Gateway, _ *fakeEngine, w *fakeWorker) { _ = w.conn.Close() },
		"leaving": func(_ *Gateway, _ *fakeEngine, w *fakeWorker) { w.send("leaving", "") },
		"stuck": func(_ *Gateway, fake *fakeEngine, _ *fakeWorker) {
			fake.notices <- engine.Notice{Kind: engine.Stuck, Worker: 2, Stuck: true}
		},
		"rollback": func(g *Gateway, _ *fakeEngine, _ *fakeWorker) {
			var told []admin.Progress
			if err := g.Rollback(func(p admin.Progress) { told = append(told, p) }); err != nil {
				t.Error(err)
			}
			if len(told) != 1 || !told[0].Done || told[0].Step != "release r1 is active" {
				t.Errorf("the operator was told %v", told)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeEngine()
			g := start(t, fake, func(c *Config) { c.Confirm = time.Hour })
			attachWorker(t, g, fake, 1)
			second := attachRelease(t, g, fake, 2, "r2")
			trouble(g, fake, second)
			eventually(t, "r1 is active again", func() bool { return fake.selected(1) && !fake.selected(2) })
			if got := states(g); got["r1"] != "active" || got["r2"] != "failed" {
				t.Errorf("releases %v", got)
			}
		})
	}
}

// Where there is nobody to fall back on, a new release whose worker ends is not given up: its next workers serve.
func TestNothingToFallBackOn(t *testing.T) {
	for name, needed := range map[string]int{"while it gets ready": 2, "while it is confirmed": 1} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeEngine()
			g := start(t, fake, func(c *Config) { c.Confirm, c.ReadyWorkers = time.Hour, needed })
			var old []*fakeWorker
			for range needed {
				old = append(old, attachIdle(t, g, "r1"))
			}
			eventually(t, "r1 is active", func() bool { return states(g)["r1"] == "active" })
			for _, w := range old {
				_ = w.conn.Close()
			}
			nobody := func() bool { return len(g.Snapshot().Workers) == 0 }
			eventually(t, "r1 has no worker", nobody)
			_ = attachIdle(t, g, "r2").conn.Close()
			eventually(t, "r2 has had a worker", func() bool { return fake.saw(fmt.Sprint("detach ", needed+1)) && nobody() })
			for range needed {
				attachIdle(t, g, "r2")
			}
			eventually(t, "requests go to r2", func() bool { return fake.selected(needed + 2) })
			if got := states(g); got["r2"] != "active" {
				t.Errorf("releases %v", got)
			}
		})
	}
}

// A release that stands by without workers takes over when it has one again.
func TestTheReleaseBeforeComesBack(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.Confirm = time.Hour })
	first := attachWorker(t, g, fake, 1)
	second := attachRelease(t, g, fake, 2, "r2")
	_ = first.conn.Close()
	eventually(t, "worker 1 is gone", func() bool { return fake.saw("detach 1") })
	_ = second.conn.Close()
	eventually(t, "worker 2 is gone", func() bool { return fake.saw("detach 2") })
	if got := states(g); got["r2"] != "active" {
		t.Errorf("releases %v", got)
	}
	attachIdle(t, g, "r1")
	eventually(t, "requests go to r1", func() bool { return fake.selected(3) })
}
