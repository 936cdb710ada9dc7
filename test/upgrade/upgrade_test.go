package upgrade

import (
	"slices"
	"syscall"
	"testing"

	"ringway/test/e2e/system"
)

const (
	clients  = 64
	upgrades = 5
)

// upgradeOften puts gateway after gateway in the place of the last under load.
func upgradeOften(t *testing.T, g *gateway) {
	t.Helper()
	crowd := gather(t, clients, g.addresses()...)
	for i := range upgrades {
		crowd.waitForEach()
		if t.Failed() {
			break
		}
		g.upgrade(i%2 == 1)
	}
	crowd.waitForEach()
	g.waitAlone()
	crowd.disperse()
	if crowd.reconnect.Load() < clients {
		t.Errorf("connections were left %d times, expected each of %d clients to be moved", crowd.reconnect.Load(), clients)
	}
}

// expectNoMoreDescriptors upgrades without load: each process has as many descriptors as the one before.
func expectNoMoreDescriptors(t *testing.T, g *gateway) {
	t.Helper()
	before := g.descriptors()
	for range 2 {
		g.upgrade(false)
		g.waitAlone()
	}
	if after := g.descriptors(); len(after) > len(before) {
		t.Errorf("descriptors %q, were %q", after, before)
	}
}

func TestUpgradesWithSupervisedWorkers(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"1", "2"} {
		t.Run(loops+" loops", func(t *testing.T) {
			t.Parallel()
			g := start(t, system.Options{Supervised: true, Flags: []string{"--loops", loops, "--workers", "2", "--probe", "/headers"}})
			g.WaitReady(2)
			upgradeOften(t, g)
			expectNoMoreDescriptors(t, g)
			s := g.Stats()
			if n := len(s.Workers); n != 2 {
				t.Errorf("%d workers, expected 2", n)
			}
			if got := s.Changes.Upgrades; got["succeeded"] != upgrades+2 || got["failed"] != 0 {
				t.Errorf("upgrades are counted as %v, expected %d that succeeded", got, upgrades+2)
			}
			g.finish()
		})
	}
}

// TestUpgradesWithWorkersThatComeByThemselves: the processes stay the same, and are those of the active release.
func TestUpgradesWithWorkersThatComeByThemselves(t *testing.T) {
	t.Parallel()
	g := start(t, system.Options{Flags: []string{"--loops", "2"}})
	workers := []*system.Process{g.StartWorker("--release", "r1"), g.StartWorker("--release", "r1")}
	g.WaitReady(2)
	upgradeOften(t, g)
	system.Eventually(t, "both workers are attached", func() bool { return g.Ready() == 2 })
	expectNoMoreDescriptors(t, g)
	// A worker of another release replaces them, which ends them.
	next := g.StartWorker("--release", "r2")
	for _, w := range workers {
		if status := w.Exit(system.Patience); status != 0 {
			t.Errorf("a worker that was replaced ended with status %d", status)
		}
	}
	g.upgrade(false)
	g.waitAlone()
	s := g.Stats()
	if len(s.Workers) != 1 || s.Workers[0].Release != "r2" || s.Workers[0].Pid != next.Pid() {
		t.Errorf("workers %+v, expected that of r2", s.Workers)
	}
	// TERM while it is attached to one gateway, as ever.
	next.Signal(syscall.SIGTERM)
	if status := next.Exit(system.Patience); status != 0 {
		t.Errorf("the worker ended with status %d", status)
	}
	g.finish()
}

// TestUpgradeAfterASwap: the release that was swapped to is the one that serves, and can be rolled back.
func TestUpgradeAfterASwap(t *testing.T) {
	t.Parallel()
	g := start(t, system.Options{Supervised: true, Worker: []string{"--release", "r0"}})
	app := copied(t)
	if output, err := g.command("swap", app, "--", "--release", "r1"); err != nil {
		t.Fatalf("swap: %v\n%s", err, output)
	}
	settled := func() bool {
		active := 0
		for _, r := range g.Stats().Releases {
			if !slices.Contains([]string{"active", "retired", "failed"}, r.State) {
				return false
			}
			if r.State == "active" {
				active++
			}
		}
		return active == 1
	}
	system.Eventually(t, "the swap is confirmed", settled)
	crowd := gather(t, 8, g.addresses()...)
	for range 2 {
		crowd.waitForEach()
		g.upgrade(false)
	}
	crowd.waitForEach()
	g.waitAlone()
	crowd.disperse()
	if len(crowd.releases) != 1 || crowd.releases["r1"] == 0 {
		t.Errorf("releases that answered: %v, expected r1", crowd.releases)
	}
	if s := g.Stats(); len(s.Workers) != 1 || s.Workers[0].Program != app {
		t.Errorf("workers %+v, expected one of %s", s.Workers, app)
	}
	if output, err := g.command("rollback"); err != nil {
		t.Errorf("rollback: %v\n%s", err, output)
	}
	system.Eventually(t, "the rollback is confirmed", settled)
	system.Eventually(t, "the only worker is one of r0", func() bool {
		s := g.Stats() // the one of r1 stays in it until its segments are released
		return len(s.Workers) == 1 && s.Workers[0].Release == "r0" && s.Workers[0].Program == system.Programs.Worker
	})
	g.finish()
}

// TestAReplacedReleaseStaysReplaced: whichever worker comes to the new gateway first.
func TestAReplacedReleaseStaysReplaced(t *testing.T) {
	t.Parallel()
	g := start(t, system.Options{})
	old := g.StartWorker("--release", "r1")
	g.WaitReady(1)
	next := g.StartWorker("--release", "r2")
	if status := old.Exit(system.Patience); status != 0 {
		t.Errorf("the old worker ended with status %d", status)
	}
	replica := g.StartWorker("--release", "r1") // restarted by whoever runs it
	g.WaitReady(2)
	crowd := gather(t, 8, g.addresses()...)
	for range 4 {
		crowd.waitForEach()
		g.upgrade(false)
		g.WaitReady(2)
	}
	crowd.waitForEach()
	g.waitAlone()
	crowd.disperse()
	if len(crowd.releases) != 1 || crowd.releases["r2"] == 0 {
		t.Errorf("releases that answered: %v, expected r2", crowd.releases)
	}
	if output, err := g.command("rollback"); err != nil {
		t.Errorf("rollback to the worker that waited: %v\n%s", err, output)
	}
	if status := next.Exit(system.Patience); status != 0 {
		t.Errorf("the worker that was replaced ended with status %d", status)
	}
	system.Eventually(t, "the replica is the only worker", func() bool {
		s := g.Stats() // the one that was replaced stays in it until its segments are released
		return len(s.Workers) == 1 && s.Workers[0].Pid == replica.Pid()
	})
	g.finish()
}

// TestUpgradeWhileNoWorkerServes: the release that had the requests gets them again when it has a worker, also beside one that
// comes to nothing.
func TestUpgradeWhileNoWorkerServes(t *testing.T) {
	t.Parallel()
	g := start(t, system.Options{Flags: []string{"--queue-deadline", "1m"}})
	old := g.StartWorker("--release", "r1")
	g.WaitReady(1)
	old.Signal(syscall.SIGKILL)
	system.Eventually(t, "no worker is left", func() bool { return len(g.Stats().Workers) == 0 })
	g.upgrade(false)
	c := connect(t, g)
	c.send(ask)
	g.StartWorker("--release", "r1")
	c.expect("Hello, World!")
	g.finish()
}
