package stress

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
	"ringway/test/stress/plan"
)

// stallTime is how long a connection, or everything, may stand still.
const stallTime = 60 * time.Second

// run is one gateway with its workers under load.
type run struct {
	*totals
	t     *testing.T
	addr  string
	limit uint64 // of answered exchanges
	ids   atomic.Uint64

	answered, gaveUp, cancelled, cut atomic.Uint64
	bytesIn, bytesOut                atomic.Uint64 // bodies of complete exchanges; all answer bytes
	failed                           atomic.Bool
}

// totals are shared by all runs of a test.
type totals struct {
	up, down sizes
	counts
}

// counts are the figures of a run, or their sums.
type counts struct {
	answered, gaveUp, cancelled, cut, bytesIn, bytesOut   uint64 // as the clients saw it
	requests, events, stalls, parked, sent, avoided, peak uint64 // as the gateway saw it
	handlers, gone                                        uint64 // as the workers saw it
	duration                                              time.Duration
}

func newTotals() *totals { return &totals{up: sizes{none: 600}, down: sizes{none: 100}} }

func (r *run) enough() bool { return r.answered.Load() >= r.limit || r.failed.Load() }

func (r *run) complete(p *plan.Plan) {
	r.answered.Add(1)
	r.bytesIn.Add(uint64(p.Up))
	if p.Way.ReadsAll() {
		r.up.complete(p.Up)
	}
	r.down.complete(p.Down)
}

const connections = 32

// variant is a way to set up the two processes.
type variant struct {
	name           string
	flags, options []string // of the gateway, of the worker
	workers        int
}

// tight makes slots, ring and arenas far too small for the load.
var tight = []string{"--exchanges", "16", "--ring-slots", "64", "--arena-size", "256KiB"}

var variants = []variant{
	{"handler-auto", nil, nil, 1},
	{"handler-auto-tight", tight, []string{"--handlers", "4"}, 1},
	{"handler-inline-tight", tight, []string{"--dispatch", "inline"}, 1},
	{"handler-pool", nil, []string{"--dispatch", "pool", "--pool", "4"}, 1},
	{"env-auto-tight", tight, []string{"--mode", "env"}, 1},
	{"env-inline", nil, []string{"--mode", "env", "--dispatch", "inline"}, 1},
	{"env-pool-tight", tight, []string{"--mode", "env", "--dispatch", "pool", "--pool", "2"}, 1},
	{"handler-auto-spinning", []string{"--spin", "50us"}, []string{"--spin", "50us"}, 1},
	{"env-auto-two-workers", []string{"--exchanges", "64", "--arena-size", "1MiB"}, []string{"--mode", "env"}, 2},
}

// stress runs a variant until so many exchanges were answered.
func stress(t *testing.T, v variant, exchanges uint64, seed uint64, all *totals) {
	flags := append([]string{"--loops", "2", "--queue-deadline", "1h", "--park-limit", "100000"}, v.flags...)
	g := system.StartGateway(t, system.Options{Flags: flags})
	var workers []*system.Process
	for range v.workers {
		workers = append(workers, system.Start(t, []string{"RINGWAY_SOCKET=" + g.Socket}, worker, v.options...))
	}
	g.WaitReady(v.workers)
	r := &run{totals: all, t: t, addr: g.Addr, limit: exchanges}
	before := g.Holdings()
	begin := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.load(seed)
	}()
	r.watch(done, g, workers)
	if t.Failed() {
		t.Logf("gateway: %s", g.StatsText())
		for _, w := range workers {
			w.Signal(syscall.SIGTERM)
			line, _ := w.Line(system.Patience)
			t.Logf("worker: %s", line)
		}
		return
	}
	r.settle(g, workers, before, time.Since(begin))
}

// load keeps connections busy until the run has enough.
func (r *run) load(seed uint64) {
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for !r.enough() {
				if err := r.connection(random); err != nil {
					r.failed.Store(true)
					r.t.Errorf("seed %d, client %d: %v", seed, i, err)
				}
			}
		})
	}
	all.Wait()
}

// watch waits for the end of the load; when nothing moves any more it takes down what both processes say.
func (r *run) watch(done <-chan struct{}, g *system.Gateway, workers []*system.Process) {
	seen, since := uint64(0), time.Now()
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Second):
		}
		if n := r.answered.Load() + r.cancelled.Load() + r.cut.Load() + r.bytesOut.Load(); n != seen {
			seen, since = n, time.Now()
			continue
		}
		if time.Since(since) < stallTime-5*time.Second { // before the connections' own deadlines
			continue
		}
		r.failed.Store(true)
		r.t.Errorf("nothing has moved for %v; gateway: %s", time.Since(since).Round(time.Second), g.StatsText())
		for _, w := range workers {
			w.Signal(syscall.SIGQUIT)
			w.Exit(system.Patience)
			name := fmt.Sprintf("%s/ringway-stall-%d", os.TempDir(), w.Pid())
			_ = os.WriteFile(name, []byte(w.Stderr()), 0o600)
			r.t.Logf("goroutines of worker %d are in %s", w.Pid(), name)
		}
		<-done
		return
	}
}
