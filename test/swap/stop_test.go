package swap

import (
	"cmp"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"ringway/internal/admin"
	"ringway/internal/engine"
	"ringway/test/e2e/system"
)

// workerOf is the worker with a pid; one that is not attached has none.
func workerOf(g *system.Gateway, pid int) (w admin.Worker, published uint64) {
	s := g.Stats()
	for _, w = range s.Workers {
		if w.Pid == pid {
			for _, l := range s.Lanes {
				if l.Worker == w.ID {
					published += l.Published
				}
			}
			return w, published
		}
	}
	return admin.Worker{}, 0
}

func signal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Errorf("%v for %d: %v", s, pid, err)
	}
}

// stopUntil stops a worker that serves until something is so. Nothing tells one that has begun a handler for each of its requests from
// one that is busy, so there come more requests than it can have begun: when the other has as many, some are given to this one.
func stopUntil(t *testing.T, g *system.Gateway, pid int, what string, so func() bool) {
	t.Helper()
	signal(t, pid, syscall.SIGSTOP)
	more := gather(t, g, 2*clients, sleep)
	system.Eventually(t, what, so)
	more.disperse()
}

// TestStopAWorker: one of two is stopped under POSTs, both in turn. What its handlers had begun waits for it, what waited
// for a handler goes to the other, and nothing new comes to it. When it goes on it serves again, and nothing ran twice.
func TestStopAWorker(t *testing.T) {
	t.Parallel()
	for name, more := range map[string][]string{"handlers as they come": nil, "few at once": {"--pool", "2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			journal := filepath.Join(t.TempDir(), "journal")
			g := system.StartGateway(t, system.Options{
				Supervised: true, Program: worker, Worker: append(more, "--journal", journal),
				Flags: []string{"--workers", "2", "--stuck-after", "300ms", "--stuck-limit", "0", "--queue-deadline", "20s"},
			})
			g.WaitReady(2)
			ledger := newLedger()
			posts, gets := gather(t, g, clients/2, ledger.post), gather(t, g, clients/2, hello)
			takenBack := func() uint64 { return sum(g, func(l engine.LoopStats) uint64 { return l.TakenBack }) }
			for _, w := range g.Stats().Workers {
				posts.waitForEach()
				stopUntil(t, g, w.Pid, "that it is stuck is seen", func() bool { now, _ := workerOf(g, w.Pid); return now.Stuck })
				_, before := workerOf(g, w.Pid)
				served := gets.answers.Load() + posts.answers.Load()
				system.Eventually(t, "the other serves", func() bool { return gets.answers.Load()+posts.answers.Load() > served+1000 || t.Failed() })
				// What is taken back is told, and CREDIT or CANCEL may be owed; a request would bring more than these.
				if now, after := workerOf(g, w.Pid); !now.Stuck || now.InFlight > 3*clients || after > before+2*clients {
					t.Errorf("stuck: %v; %d in flight; %d events before, %d now", now.Stuck, now.InFlight, before, after)
				}
				signal(t, w.Pid, syscall.SIGCONT)
				system.Eventually(t, "it serves again", func() bool {
					now, published := workerOf(g, w.Pid)
					return !now.Stuck && published > before+10*clients || t.Failed()
				})
			}
			posts.waitForEach()
			gets.waitForEach()
			answers := posts.disperse() + gets.disperse()
			good, bad, _ := ledger.check(t, journal)
			t.Logf("%d answers, %d of them to POSTs; %d requests were taken back", answers, good, takenBack())
			if bad != 0 || takenBack() == 0 {
				t.Errorf("%d POSTs were answered with 502, expected none; %d requests were taken back, expected some", bad, takenBack())
			}
			g.WaitIdle()
			g.Stop()
		})
	}
}

// TestStopAWorkerForGood: it is ended after a while; what its handlers had is then as after any other death.
func TestStopAWorkerForGood(t *testing.T) {
	t.Parallel()
	journal := filepath.Join(t.TempDir(), "journal")
	g := system.StartGateway(t, system.Options{
		Supervised: true, Program: worker, Worker: []string{"--journal", journal},
		Flags: []string{"--workers", "2", "--stuck-after", "200ms", "--stuck-limit", "300ms", "--queue-deadline", "20s"},
	})
	g.WaitReady(2)
	pid := g.Stats().Workers[0].Pid
	ledger := newLedger()
	posts, gets := gather(t, g, clients/2, ledger.post), gather(t, g, clients/2, hello, sleep)
	posts.waitForEach()
	stopUntil(t, g, pid, "its end", func() bool { return system.Gone(pid) })
	posts.waitForEach()
	gets.waitForEach()
	gets.disperse()
	posts.disperse()
	good, bad, _ := ledger.check(t, journal)
	t.Logf("POSTs: %d answered with 200, %d with 502", good, bad)
	g.WaitReady(2)
	g.WaitIdle()
	g.Stop()
}

// TestHangUp: a worker that ends its conversation with the gateway is gone, though its process and handlers go on. It
// is asked nothing more until it has attached again, and still nothing runs twice.
func TestHangUp(t *testing.T) {
	t.Parallel()
	journal := filepath.Join(t.TempDir(), "journal")
	g := system.StartGateway(t, system.Options{Flags: []string{"--queue-deadline", "20s"}})
	for range 2 {
		system.Start(t, []string{"RINGWAY_SOCKET=" + g.Socket}, worker, "--journal", journal, "--pool", "4", "--release", "one")
	}
	g.WaitReady(2)
	ledger := newLedger()
	posts, gets := gather(t, g, clients/2, ledger.post), gather(t, g, clients/2, hello, sleep)
	const rounds = 4
	for range rounds {
		posts.waitForEach()
		gets.waitForEach()
		system.Eventually(t, "both are ready", func() bool { return g.Ready() == 2 || t.Failed() })
		if t.Failed() {
			break
		}
		w := slices.MinFunc(g.Stats().Workers, func(a, b admin.Worker) int { return cmp.Compare(a.ID, b.ID) })
		signal(t, w.Pid, syscall.SIGUSR1)
		system.Eventually(t, "it has attached again", func() bool {
			now, _ := workerOf(g, w.Pid)
			return now.ID > w.ID || t.Failed()
		})
	}
	gets.disperse()
	posts.disperse()
	good, bad, _ := ledger.check(t, journal)
	t.Logf("%d rounds: POSTs: %d answered with 200, %d with 502; %d requests were dispatched again", rounds, good, bad, redispatched(g))
	g.WaitIdle()
	g.Stop()
}
