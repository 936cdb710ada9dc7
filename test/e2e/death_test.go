package e2e

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// load runs clients until the returned function is called, which fails the test for every exchange that ended wrongly.
func load(t *testing.T, addr string, clients int, seed uint64, c *tally) (stop func()) {
	t.Helper()
	end := make(chan struct{})
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			m := &mixed{addr: addr, random: rand.New(rand.NewPCG(seed, uint64(i))), tally: c}
			if err := m.run(end); err != nil {
				t.Errorf("seed %d, client %d: %v", seed, i, err)
			}
		})
	}
	return func() {
		close(end)
		all.Wait()
	}
}

// TestWorkerKilled: whenever a worker is killed, every exchange ends, the supervisor starts another, and nothing is left
// in use.
func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]system.Options{
		"one":        {Worker: []string{"--dispatch", "auto"}},
		"two":        {Worker: []string{"--mode", "env"}, Flags: []string{"--workers", "2", "--loops", "2"}},
		"tight-pool": {Worker: []string{"--dispatch", "pool", "--pool", "2"}, Flags: []string{"--workers", "2", "--exchanges", "16", "--arena-size", "256KiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 1000))
			o.Supervised = true
			g := system.StartGateway(t, o)
			var c tally
			stop := load(t, g.Addr, 12, seed, &c)
			const kills = 6 // the supervisor waits longer after each
			var killed []int
			// At random moments: the sleep is what is tested, not a wait for something.
			for end := time.Now().Add(system.Patience); len(killed) < kills && time.Now().Before(end) && !t.Failed(); {
				time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond)
				for _, w := range g.Stats().Workers {
					if w.State == "ready" && random.IntN(2) == 0 && !slices.Contains(killed, w.Pid) {
						_ = syscall.Kill(w.Pid, syscall.SIGKILL)
						killed = append(killed, w.Pid)
					}
				}
			}
			served := c.whole.Load()
			system.Eventually(t, "requests flow again", func() bool { return c.whole.Load() > served+50 || t.Failed() })
			stop()
			t.Logf("%d kills: %s", len(killed), &c)
			g.WaitReady(1)
			after := tally{}
			m := &mixed{addr: g.Addr, random: random, tally: &after}
			for range 20 {
				if err := m.one(); err != nil {
					t.Fatal(err)
				}
			}
			m.close()
			if after.whole.Load() != 20 {
				t.Errorf("afterwards: %s", &after)
			}
			system.Eventually(t, "dead workers' segments released", func() bool {
				s := g.Stats()
				ready := 0
				for _, w := range s.Workers {
					if w.State == "ready" {
						ready++
					}
				}
				return ready == len(s.Supervisor.Slots) && len(s.Workers) == ready && len(s.Lanes) == ready*len(s.Loops)
			})
			g.WaitIdle()
			for _, l := range g.Stats().Loops {
				if l.Violations != 0 {
					t.Errorf("%d violations", l.Violations)
				}
			}
			if len(killed) < kills {
				t.Errorf("%d kills, want %d", len(killed), kills)
			}
			if n := g.Stats().Supervisor.Restarts; n < uint64(len(killed)) {
				t.Errorf("%d restarts after %d kills", n, len(killed))
			}
			g.WaitNoConnections()
			g.Stop()
		})
	}
}

// TestGatewayKilled: a worker that the gateway has not started attaches to the next gateway on the same socket.
func TestGatewayKilled(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	g := system.StartGateway(t, system.Options{Socket: socket})
	worker := g.StartWorker("--release", "kept")
	g.WaitReady(1)
	client := newClient(t)
	for range 3 {
		get(t, client, g.URL("/"))
		r := dial(t, g)
		r.send("GET /sleep?ms=600000 HTTP/1.1\r\nHost: x\r\n\r\n")
		system.Eventually(t, "in flight", func() bool { return g.Stats().Workers[0].InFlight == 1 })
		g.Kill()
		client.CloseIdleConnections()
		g = system.StartGateway(t, system.Options{Socket: socket})
		g.WaitReady(1)
		s := g.Stats()
		if s.Workers[0].Pid != worker.Pid() || s.Workers[0].Release != "kept" {
			t.Errorf("%+v, want pid %d", s.Workers[0], worker.Pid())
		}
		if answer, body := get(t, client, g.URL("/bytes?n=70000")); answer.StatusCode != 200 || !isPattern(body) {
			t.Errorf("%s, %d bytes", answer.Status, len(body))
		}
	}
	// The worker goes when it is told to, without a trace in the requests of the others.
	other := g.StartWorker("--release", "kept")
	g.WaitReady(2)
	var c tally
	stop := load(t, g.Addr, 4, 1, &c)
	flows := func() {
		served := c.whole.Load()
		system.Eventually(t, "requests flow", func() bool { return c.whole.Load() > served+100 || t.Failed() })
	}
	flows()
	worker.Signal(syscall.SIGTERM)
	if status := worker.Exit(system.Patience); status != 0 {
		t.Errorf("the worker ended with status %d:\n%s", status, worker.Stderr())
	}
	flows()
	stop()
	if c.unavailable.Load()+c.cut.Load() != 0 {
		t.Errorf("while a worker left: %s", &c)
	}
	g.WaitIdle()
	g.Stop()
	// A gateway that stops in order tells its workers to end.
	if status := other.Exit(system.Patience); status != 0 {
		t.Errorf("the last worker ended with status %d", status)
	}
}

// TestSupervisedWorkerDiesWithItsGateway: no orphans.
func TestSupervisedWorkerDiesWithItsGateway(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--workers", "2"}})
	g.WaitReady(2)
	workers := g.Stats().Workers
	g.Kill()
	for _, w := range workers {
		system.Eventually(t, "the worker's end", func() bool { return system.Gone(w.Pid) })
	}
}

// TestFailingWorkerIsStartedAgain: a worker that ends at once is tried again with growing waits; meanwhile requests wait
// and are then told 503.
func TestFailingWorkerIsStartedAgain(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{
		Flags: []string{"--queue-deadline", "200ms", "--worker", "/bin/false"},
	})
	if answer, _ := get(t, newClient(t), g.URL("/")); answer.StatusCode != 503 {
		t.Errorf("%s", answer.Status)
	}
	system.Eventually(t, "restarts", func() bool { return g.Stats().Supervisor.Restarts >= 3 })
	if last := g.Stats().Supervisor.Slots[0].LastExit; last != "exit status 1" {
		t.Errorf("%q", last)
	}
	g.Stop()
}
