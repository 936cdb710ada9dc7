package gateway

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ringway/internal/admin"
)

func TestChangeReachesEngineControlSocketAndDrainLimit(t *testing.T) {
	fake := newFakeEngine()
	fake.busy = 1
	g := start(t, fake, func(c *Config) { c.MaxWorkers = 1 })
	w := attachWorker(t, g, fake, 1)
	to := Live{MaxWorkers: 2, MemoryLimit: 64 << 20, DrainLimit: time.Millisecond}
	if err := g.Change(to); err != nil {
		t.Fatal(err)
	}
	if !fake.saw("change") {
		t.Errorf("calls %v", fake.seen())
	}
	attachWorker(t, g, fake, 2)
	// With the limit of before the busy worker would be waited for.
	w.send("leaving", "")
	eventually(t, "the end of the worker that does not become idle", func() bool { return fake.saw("detach 1") })
}

func TestAFailedChangeIsUndone(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.MaxWorkers = 1 })
	attachWorker(t, g, fake, 1)
	fake.changeFailure = errors.New("no memory")
	to := Live{MaxWorkers: 2, MemoryLimit: 64 << 20, DrainLimit: time.Second}
	if err := g.Change(to); err == nil || !strings.Contains(err.Error(), "no memory") {
		t.Errorf("error %v", err)
	}
	if g.config.MaxWorkers != 1 || g.config.DrainLimit != 20*time.Second {
		t.Errorf("%+v", g.config)
	}
	to.MemoryLimit = 1
	fake.changeFailure = nil
	if err := g.Change(to); err == nil || slices.Contains(fake.seen(), "change") {
		t.Errorf("a limit below one worker: error %v, calls %v", err, fake.seen())
	}
}

func TestAStoppingGatewayChangesNothing(t *testing.T) {
	fake := newFakeEngine()
	fake.clients = 1
	g := start(t, fake, nil)
	g.Stop()
	if err := g.Change(Live{MaxWorkers: 2, MemoryLimit: 64 << 20}); !errors.Is(err, errStopping) || fake.saw("change") {
		t.Errorf("while it stops: %v", err)
	}
	g.Cut()
	waitDone(t, g)
	if err := g.Change(Live{}); !errors.Is(err, errStopping) {
		t.Errorf("after its end: %v", err)
	}
}

func TestSnapshotHasTheStateOfTheConfiguration(t *testing.T) {
	g := start(t, newFakeEngine(), nil)
	if g.Snapshot().Config != nil {
		t.Error("a state that nobody has told")
	}
	g.Configured(admin.Configuration{Config: admin.Config{File: "f", Reloads: 3}})
	if got := g.Snapshot().Config; got == nil || got.File != "f" || got.Reloads != 3 {
		t.Errorf("%+v", got)
	}
}
