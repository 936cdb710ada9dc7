package swap

import (
	"syscall"
	"testing"

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
			g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--queue-deadline", "20s"}})
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

func redispatched(g *system.Gateway) (n uint64) {
	for _, l := range g.Stats().Loops {
		n += l.Redispatched
	}
	return n
}

// TestStopAWorker: one of two is stopped; its requests go to the other, and it serves again when it goes on.
func TestStopAWorker(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{
		Supervised: true, Flags: []string{"--workers", "2", "--stuck-after", "300ms", "--queue-deadline", "20s"},
	})
	g.WaitReady(2)
	pid := g.Stats().Workers[0].Pid
	stuck := func() bool {
		for _, w := range g.Stats().Workers {
			if w.Pid == pid {
				return w.Stuck
			}
		}
		return false
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	crowd := gather(t, g, clients, hello)
	system.Eventually(t, "that it is stuck is seen", stuck)
	system.Eventually(t, "all clients are answered", func() bool { return crowd.answers.Load() > 20*clients || t.Failed() })
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	system.Eventually(t, "it serves again", func() bool { return !stuck() })
	crowd.disperse()
	g.WaitIdle()
	g.Stop()
}
