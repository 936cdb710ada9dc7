package swap

import (
	"syscall"
	"testing"

	"ringway/internal/engine"
	"ringway/test/e2e/system"
)

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("kill %d: %v", pid, err)
	}
}

// TestKillTheOnlyWorker: under GETs its clients see only that it takes longer, also if all are in handlers.
func TestKillTheOnlyWorker(t *testing.T) {
	t.Parallel()
	killTheOnlyWorker(t, 4)
}

func killTheOnlyWorker(t *testing.T, kills int) {
	for name, kind := range map[string]func(*client) error{"short handlers": hello, "handlers that sleep": sleep} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--queue-deadline", "20s", "--breaker-ends", "0"}})
			crowd := gather(t, g, clients, kind)
			for range kills {
				// What ran when a worker was killed is run once more, not twice: each kill meets new requests.
				crowd.waitForEach()
				if t.Failed() {
					break
				}
				for _, w := range g.Stats().Workers {
					if w.State == "ready" {
						kill(t, w.Pid)
					}
				}
			}
			crowd.waitForEach()
			t.Logf("%d answers during %d kills, %d requests were dispatched again", crowd.disperse(), kills, redispatched(g))
			g.WaitIdle()
			g.Stop()
		})
	}
}

func redispatched(g *system.Gateway) uint64 {
	return sum(g, func(l engine.LoopStats) uint64 { return l.Redispatched })
}

func sum(g *system.Gateway, counter func(engine.LoopStats) uint64) (n uint64) {
	for _, l := range g.Stats().Loops {
		n += counter(l)
	}
	return n
}

// pair is two workers of a release that the test has started itself, so that the next one comes at once.
type pair struct {
	t       *testing.T
	g       *system.Gateway
	program string
	workers [2]*system.Process
}

func startPair(t *testing.T, g *system.Gateway, program string) *pair {
	t.Helper()
	p := &pair{t: t, g: g, program: program}
	for i := range p.workers {
		p.workers[i] = p.start()
	}
	g.WaitReady(2)
	return p
}

func (p *pair) start() *system.Process {
	p.t.Helper()
	return system.Start(p.t, []string{"RINGWAY_SOCKET=" + p.g.Socket}, p.program, "--release", "one")
}

// killOne kills the one or the other in turn, and waits until another is ready in its place.
func (p *pair) killOne(i int) {
	p.t.Helper()
	p.workers[i%2].Kill()
	p.workers[i%2] = p.start()
	ready := func() bool {
		pids := map[int]bool{}
		for _, w := range p.g.Stats().Workers {
			pids[w.Pid] = w.State == "ready"
		}
		return pids[p.workers[0].Pid()] && pids[p.workers[1].Pid()]
	}
	system.Eventually(p.t, "both workers are ready", ready)
}

// TestKillOneOfTwo: with another worker there its clients do not even wait.
func TestKillOneOfTwo(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"1", "2"} {
		t.Run(loops+" loops", func(t *testing.T) {
			t.Parallel()
			g := system.StartGateway(t, system.Options{Flags: []string{"--queue-deadline", "20s", "--loops", loops}})
			pair := startPair(t, g, system.Programs.Worker)
			crowd := gather(t, g, clients, hello, who, sleep, few)
			const kills = 20
			for i := range kills {
				crowd.waitForEach() // what ran at the last kill is run once more, not twice
				if t.Failed() {
					break
				}
				pair.killOne(i)
			}
			crowd.waitForEach()
			t.Logf("%d answers during %d kills, %d requests were dispatched again", crowd.disperse(), kills, redispatched(g))
			g.WaitIdle()
			g.Stop()
		})
	}
}
