package gateway

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ringway/internal/engine"
)

func TestFromStartToCleanEnd(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, nil)
	w := attachWorker(t, g, fake, 1)
	g.Stop()
	w.expectDrain()
	waitDone(t, g)
	want := []string{"listen 2", "start", "attach 1", "select [1]", "stop", "drain 1", "detach 1", "close"}
	if got := fake.seen(); !slices.Equal(got, want) {
		t.Errorf("engine calls %v, want %v", got, want)
	}
	if _, err := os.Lstat(g.config.Socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("control socket: %v, want it removed", err)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(g.AdminURL(), "http://")); err == nil {
		t.Error("the admin server still answers")
	}
}

func TestWorkersServeUntilNoConnectionIsLeft(t *testing.T) {
	fake := newFakeEngine()
	fake.clients = 1
	g := start(t, fake, nil)
	w := attachWorker(t, g, fake, 1)
	g.Stop()
	// The worker hears the same signal, and is the last one: it has to stay.
	w.send("leaving", "")
	w.quietFor(2 * lastWorkerGrace)
	if fake.saw("drain 1") {
		t.Fatal("the last worker was drained before Quiet")
	}
	fake.leave()
	w.expectDrain()
	waitDone(t, g)
	if fake.saw("cut") {
		t.Error("connections were cut")
	}
}

func TestAWorkerThatHearsTheSignalFirstStaysToo(t *testing.T) {
	fake := newFakeEngine()
	fake.clients = 1
	g := start(t, fake, nil)
	w := attachWorker(t, g, fake, 1)
	w.send("leaving", "")
	time.Sleep(lastWorkerGrace / 5)
	g.Stop()
	w.quietFor(2 * lastWorkerGrace)
	fake.leave()
	w.expectDrain()
	waitDone(t, g)
}

func TestALeavingWorkerIsLetGoWhenIdle(t *testing.T) {
	fake := newFakeEngine()
	fake.busy = 1
	g := start(t, fake, nil)
	first, second := attachWorker(t, g, fake, 1), attachWorker(t, g, fake, 2)
	first.send("leaving", "")
	eventually(t, "drain 1", func() bool { return fake.saw("drain 1") })
	first.quietFor(50 * time.Millisecond)
	fake.notices <- engine.Notice{Kind: engine.Idle, Worker: 1}
	first.expectDrain()
	eventually(t, "release", func() bool { return len(g.Snapshot().Workers) == 1 })
	// Now the second is the last: it is drained too, a little later.
	second.send("leaving", "")
	second.quietFor(lastWorkerGrace / 5)
	eventually(t, "drain 2", func() bool { return fake.saw("drain 2") })
	fake.notices <- engine.Notice{Kind: engine.Idle, Worker: 2}
	second.expectDrain()
}

func TestDrainDelayServesOnWithoutBeingReady(t *testing.T) {
	fake := newFakeEngine()
	fake.clients = 1
	g := start(t, fake, func(c *Config) { c.DrainDelay = time.Hour })
	if got := g.Ready(); got != "no worker has been ready yet" {
		t.Errorf("before a worker: %q", got)
	}
	w := attachWorker(t, g, fake, 1)
	if got := g.Ready(); got != "" {
		t.Errorf("with a worker: %q", got)
	}
	g.Stop()
	g.Stop()
	eventually(t, "it is not ready", func() bool { return g.Ready() == "the gateway is leaving" })
	select {
	case <-g.Stopping():
	default:
		t.Error("the service manager is not told")
	}
	if !fake.saw("announce") || fake.saw("stop") {
		t.Errorf("calls %v", fake.seen())
	}
	// The last worker hears the same signal; and one that comes serves as well.
	w.send("leaving", "")
	attachWorker(t, g, fake, 2)
	// The delay is over.
	g.StopNow()
	eventually(t, "no more connections", func() bool { return fake.saw("stop") && g.Ready() == "the gateway is stopping" })
	fake.leave()
	eventually(t, "the workers are let go", func() bool { return fake.saw("drain 1") && fake.saw("drain 2") })
	g.Cut()
	waitDone(t, g)
	if got := g.Ready(); got != "the gateway has ended" {
		t.Errorf("after the end: %q", got)
	}
}

func TestDrainDelayEnds(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.DrainDelay = 50 * time.Millisecond })
	g.Stop()
	waitDone(t, g)
	calls := fake.seen()
	if announced, stopped := slices.Index(calls, "announce"), slices.Index(calls, "stop"); announced < 0 || stopped < announced {
		t.Errorf("calls %v", calls)
	}
}

func TestASecondSignalCutsTheDelayToo(t *testing.T) {
	fake := newFakeEngine()
	fake.clients = 5
	g := start(t, fake, func(c *Config) { c.DrainDelay = time.Hour })
	g.Stop()
	g.Cut()
	waitDone(t, g)
	if !fake.saw("cut") {
		t.Error("connections were not cut")
	}
}

func TestDrainLimitCutsConnectionsAndWorkers(t *testing.T) {
	fake := newFakeEngine()
	fake.clients, fake.busy = 1, 1
	g := start(t, fake, func(c *Config) { c.DrainLimit = 100 * time.Millisecond })
	w := attachWorker(t, g, fake, 1)
	begin := time.Now()
	g.Stop()
	w.expectDrain()
	waitDone(t, g)
	if took := time.Since(begin); took < 100*time.Millisecond || took > killGrace {
		t.Errorf("the end took %v", took)
	}
	if !fake.saw("cut") {
		t.Error("connections were not cut")
	}
}

func TestASecondSignalCutsAtOnce(t *testing.T) {
	fake := newFakeEngine()
	fake.clients, fake.busy = 5, 1
	g := start(t, fake, nil)
	w := attachWorker(t, g, fake, 1)
	begin := time.Now()
	g.Stop()
	g.Cut()
	w.expectDrain()
	waitDone(t, g)
	if took := time.Since(begin); took > killGrace {
		t.Errorf("the end took %v", took)
	}
}

func TestAWorkerThatDoesNotEndIsDisconnected(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.DrainLimit = time.Millisecond })
	w := attachWorker(t, g, fake, 1)
	begin := time.Now()
	g.Stop()
	if kind := w.receive(); kind != "drain" {
		t.Fatalf("received %q, want drain", kind)
	}
	if kind := w.receive(); kind != "" {
		t.Fatalf("received %q, want the end", kind)
	}
	waitDone(t, g)
	if took := time.Since(begin); took > killGrace+releaseGrace {
		t.Errorf("the end took %v", took)
	}
}

func TestADyingWorkerIsDetachedAndReleased(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, nil)
	w := attachWorker(t, g, fake, 1)
	_ = w.conn.Close()
	eventually(t, "release", func() bool { return len(g.Snapshot().Workers) == 0 })
	if !fake.saw("detach 1") {
		t.Error("the engine was not told")
	}
	attachWorker(t, g, fake, 2)
}

func TestAViolationEndsTheWorker(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, nil)
	w := attachWorker(t, g, fake, 1)
	// The worker's process is this one, which the gateway does not kill: the connection shows the end.
	fake.notices <- engine.Notice{Kind: engine.Violation, Worker: 1, Text: "in_head 9 beyond in_tail 3"}
	if kind := w.receive(); kind != "" {
		t.Fatalf("received %q, want the end", kind)
	}
	eventually(t, "release", func() bool { return len(g.Snapshot().Workers) == 0 })
	// A late notice about a worker that is no more does nothing.
	fake.notices <- engine.Notice{Kind: engine.Violation, Worker: 1}
	fake.notices <- engine.Notice{Kind: engine.Idle, Worker: 1}
	fake.notices <- engine.Notice{Kind: engine.Released, Worker: 1}
	attachWorker(t, g, fake, 2)
}

func TestSnapshotShowsWorkersAndTheirStates(t *testing.T) {
	fake := newFakeEngine()
	fake.busy = 2
	g := start(t, fake, nil)
	attachWorker(t, g, fake, 1)
	s := g.Snapshot()
	if len(s.Workers) != 1 || s.Workers[0].State != "ready" || s.Workers[0].InFlight != 3 || s.Workers[0].Pid != os.Getpid() || s.Workers[0].Release != "r1" {
		t.Errorf("workers %+v", s.Workers)
	}
	if s.Gateway.State != "running" || s.Gateway.Version != "test" || len(s.Listeners) != 1 || s.Listeners[0].URL != g.URLs()[0] || len(s.Lanes) != 2 {
		t.Errorf("snapshot %+v", s)
	}
	if s.Supervisor != nil {
		t.Error("there is no supervisor")
	}
	g.Cut()
	waitDone(t, g)
	if state := g.Snapshot().Gateway.State; state != "ended" {
		t.Errorf("state %q after the end", state)
	}
}

func TestIllegalTransitionsAreAsserted(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, nil)
	mustPanic := func(what string, f func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s was allowed", what)
			}
		}()
		f()
	}
	other := &Gateway{log: g.log, phase: phaseEnded}
	mustPanic("running after ended", func() { other.enter(phaseRunning) })
	attachWorker(t, g, fake, 1)
	g.mail.call(func() {
		w := *g.workers[1]
		w.state = workerGone
		mustPanic("ready after gone", func() { g.setState(&w, workerReady) })
	})
}
