package gateway

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"ringway/internal/admin"
	"ringway/internal/handover"
	"ringway/internal/supervisor"
)

// counted lists the counters that are not 0, as "kind/key=value".
func counted(c admin.Changes) []string {
	var all []string
	for kind, counts := range map[string]map[string]uint64{
		"swap": c.Swaps, "rollback": c.Rollbacks, "upgrade": c.Upgrades, "recycled": c.Recycled, "end": c.Ended,
	} {
		for key, n := range counts {
			if n != 0 {
				all = append(all, kind+"/"+key+"="+strings.Repeat("i", int(n)))
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestSwapsAreCountedByOutcome(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(t *testing.T, g *Gateway, fake *fakeEngine)
		want    string
	}{
		"the first release is no swap": {func(*testing.T, *Gateway, *fakeEngine) {}, ""},
		"confirmed by the next swap, which is rolled back": {func(t *testing.T, g *Gateway, fake *fakeEngine) {
			attachRelease(t, g, fake, 2, "r2")
			attachRelease(t, g, fake, 3, "r3")
			if err := g.Rollback(func(admin.Progress) {}); err != nil {
				t.Fatal(err)
			}
		}, "rollback/command=i swap/confirmed=i swap/rolled_back=i"},
		"fails while it is confirmed": {func(t *testing.T, g *Gateway, fake *fakeEngine) {
			second := attachRelease(t, g, fake, 2, "r2")
			_ = second.conn.Close()
			eventually(t, "r1 is active again", func() bool { return states(g)["r1"] == "active" })
		}, "rollback/failure=i swap/failed=i"},
		"superseded, then failed before it was active": {func(t *testing.T, g *Gateway, _ *fakeEngine) {
			g.mail.call(func() {
				g.beginSwap(g.addRelease("r2", nil), nil)
				g.beginSwap(g.addRelease("r3", nil), nil)
				g.failSwap(g.swap, "for a test")
			})
		}, "swap/failed=i swap/superseded=i"},
		"rolled back after it was confirmed": {func(t *testing.T, g *Gateway, fake *fakeEngine) {
			attachRelease(t, g, fake, 2, "r2")
			g.mail.call(func() { g.confirm(g.swap) })
			eventually(t, "worker 1 drains", func() bool { return fake.saw("drain 1") })
			g.mail.call(func() { g.released(1) })
			again := attachIdle(t, g, "r1")
			_ = again
			eventually(t, "it is ready", func() bool {
				return slices.ContainsFunc(g.Snapshot().Workers, func(w admin.Worker) bool { return w.ID == 3 && w.State == "ready" })
			})
			g.mail.call(func() {
				for _, r := range g.releases {
					if r.state == releaseDraining {
						g.setRelease(r, releaseRetired, "")
					}
				}
			})
			if err := g.Rollback(func(admin.Progress) {}); err != nil {
				t.Fatal(err)
			}
			eventually(t, "r1 is active", func() bool { return states(g)["r1"] == "active" })
			g.mail.call(func() { g.confirm(g.swap) })
		}, "rollback/command=i swap/confirmed=ii"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeEngine()
			g := start(t, fake, func(c *Config) { c.Confirm = time.Hour })
			attachWorker(t, g, fake, 1)
			test.happens(t, g, fake)
			if got := strings.Join(counted(g.Snapshot().Changes), " "); got != test.want {
				t.Errorf("counted %q, want %q", got, test.want)
			}
			g.Cut()
			waitDone(t, g)
		})
	}
}

func TestUpgradesAreCountedAndHandedOn(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.Self = "/no/such/gateway" })
	if err := g.Upgrade("", nil); err == nil {
		t.Fatal("an upgrade to nothing has begun")
	}
	g.mail.call(func() { g.tally.upgrades[upgradeSucceeded] = 2 })
	if got := strings.Join(counted(g.Snapshot().Changes), " "); got != "upgrade/failed=i upgrade/succeeded=ii" {
		t.Errorf("counted %q", got)
	}
	var told handover.State
	var err error
	g.mail.call(func() { told, err = g.describe(func(fd int) int { return fd }) })
	if err != nil || told.Upgrades != 2 || told.FailedUpgrades != 1 {
		t.Errorf("handed on: %d and %d (%v), want 2 and 1", told.Upgrades, told.FailedUpgrades, err)
	}
}

func TestEndsAreCountedByWhoWantedThem(t *testing.T) {
	count := newTally()
	for _, asked := range []bool{true, false, true} {
		count.processEnded(supervisor.End{Asked: asked})
	}
	if want := map[string]uint64{endAsked: 2, endUnasked: 1}; !maps.Equal(count.ended, want) {
		t.Errorf("%v, want %v", count.ended, want)
	}
	told := count.snapshot()
	count.processEnded(supervisor.End{})
	if told.Ended[endUnasked] != 1 {
		t.Error("a snapshot has changed afterwards")
	}
}
