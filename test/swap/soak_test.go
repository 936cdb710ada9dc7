package swap

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringway/internal/admin"
	"ringway/internal/engine"
	"ringway/test/e2e/system"
)

// TestSoak is a short form of what `make stress` does for fifteen minutes.
func TestSoak(t *testing.T) { soak(t, 15*time.Second) }

// chaos is what happens to the workers of a soak.
type chaos struct {
	t       *testing.T
	g       *system.Gateway
	random  *rand.Rand
	link    string // what releases are started by
	builds  []string
	journal string
	steady  *crowd // GETs that nothing may harm
	counts  map[string]int
	release int
}

// ready are the workers that serve.
func (c *chaos) ready() (ready []admin.Worker) {
	for _, w := range c.g.Stats().Workers {
		if w.State == "ready" {
			ready = append(ready, w)
		}
	}
	return ready
}

func (c *chaos) any() (admin.Worker, bool) {
	ready := c.ready()
	if len(ready) == 0 {
		return admin.Worker{}, false
	}
	return ready[c.random.IntN(len(ready))], true
}

// point lets the link lead to another build.
func (c *chaos) point() {
	next := c.link + ".next"
	if err := os.Symlink(c.builds[c.random.IntN(len(c.builds))], next); err == nil {
		err = os.Rename(next, c.link)
		if err != nil {
			c.t.Error(err)
		}
	}
}

// swapArguments are those of the next release, whose name is its number.
func (c *chaos) swapArguments() []string {
	c.release++
	mode := []string{"handler", "env"}[c.random.IntN(2)]
	return []string{c.link, "--", "--journal", c.journal, "--mode", mode, "--release", fmt.Sprintf("r%d", c.release)}
}

// order gives a command, which may fail where something else ends what it began.
func (c *chaos) order(name string, arguments ...string) {
	if output, err := command(c.t, c.g, name, arguments...); err != nil {
		c.counts[name+" failed"]++
		c.t.Logf("%s: %v: %s", name, err, output)
	}
}

var disasters = map[string]func(*chaos){
	"swap": func(c *chaos) {
		c.point()
		c.order("swap", c.swapArguments()...)
	},
	"two swaps at once": func(c *chaos) {
		first, done := c.swapArguments(), make(chan struct{})
		second := c.swapArguments()
		go func() {
			defer close(done)
			_, _ = command(c.t, c.g, "swap", first...)
		}()
		time.Sleep(time.Duration(c.random.IntN(200)) * time.Millisecond)
		c.order("swap", second...)
		<-done
	},
	"rollback": func(c *chaos) { c.order("rollback") },
	"kill": func(c *chaos) {
		if w, ok := c.any(); ok {
			_ = syscall.Kill(w.Pid, syscall.SIGKILL)
		}
	},
	"kill in a swap": func(c *chaos) {
		arguments, done := c.swapArguments(), make(chan struct{})
		go func() {
			defer close(done)
			_, _ = command(c.t, c.g, "swap", arguments...)
		}()
		time.Sleep(time.Duration(c.random.IntN(400)) * time.Millisecond)
		if w, ok := c.any(); ok {
			_ = syscall.Kill(w.Pid, syscall.SIGKILL)
		}
		<-done
	},
	"stop": func(c *chaos) {
		if w, ok := c.any(); ok && syscall.Kill(w.Pid, syscall.SIGSTOP) == nil {
			time.Sleep(time.Duration(c.random.IntN(1500)) * time.Millisecond)
			_ = syscall.Kill(w.Pid, syscall.SIGCONT)
		}
	},
	"drain": func(c *chaos) {
		if w, ok := c.any(); ok {
			c.order("drain", strconv.FormatUint(w.ID, 10))
		}
	},
	"hang-up": func(c *chaos) {
		if c.random.IntN(2) == 0 {
			c.point()
		}
		c.g.Signal(syscall.SIGHUP)
	},
}

var disasterNames = []string{"swap", "two swaps at once", "rollback", "kill", "kill in a swap", "stop", "drain", "hang-up"}

// soak lets everything happen that may happen, in an order that RINGWAY_SWAP_SEED repeats as far as time lets it: nothing is
// lost but what the table of faults says, no answer is another's, no POST runs twice, and in the end nothing is held.
func soak(t *testing.T, duration time.Duration) {
	seed, err := strconv.ParseUint(os.Getenv("RINGWAY_SWAP_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("RINGWAY_SWAP_SEED=%d", seed)
	directory := t.TempDir()
	c := &chaos{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), counts: make(map[string]int),
		link: filepath.Join(directory, "current"), journal: filepath.Join(directory, "journal"),
		builds: []string{copied(t, worker), copied(t, worker), copied(t, worker)},
	}
	c.point()
	c.g = system.StartGateway(t, system.Options{
		Supervised: true, Program: c.link, Worker: []string{"--journal", c.journal, "--release", "r0"},
		Flags: []string{
			"--workers", "2", "--loops", "2", "--confirm", "300ms", "--probe", "/headers", "--queue-deadline", "20s", "--breaker-ends", "0",
			"--stuck-after", "300ms", "--stuck-limit", "0", "--worker-max-requests", "100000",
		},
	})
	c.g.WaitReady(2)
	var m mixed
	ledger := newLedger()
	crowds := []*crowd{}
	begin := func() {
		c.steady = gather(t, c.g, 16, m.get, m.get, sleep)
		crowds = []*crowd{
			c.steady, gather(t, c.g, 16, ledger.post), gather(t, c.g, 4, m.download(false), m.upload(1, 0), ledger.post),
			gather(t, c.g, 4, m.download(true), m.upload(20, 10*time.Millisecond)), gather(t, c.g, 4, m.desert),
		}
	}
	rest := func() (answers int64) {
		for _, each := range crowds {
			answers += each.disperse()
		}
		return answers
	}
	begin()
	c.steady.waitForEach() // free lists are filled, and the collectors have begun
	time.Sleep(min(duration/10, 10*time.Second))
	rest()
	before := c.g.Holdings()

	begin()
	noted := time.Now()
	for end := time.Now().Add(duration); time.Now().Before(end) && !t.Failed(); {
		if time.Since(noted) > time.Minute {
			noted = time.Now()
			t.Logf("the gateway has %s", memory(t, c.g.Pid()))
		}
		// What a worker's death has met is run once more, not twice: it has been answered before the next.
		for _, each := range crowds[:3] {
			each.waitForEach()
		}
		name := disasterNames[c.random.IntN(len(disasterNames))]
		c.counts[name]++
		disasters[name](c)
		time.Sleep(time.Duration(c.random.IntN(300)) * time.Millisecond)
	}
	answers := rest()
	settled(t, c.g)
	system.Eventually(t, "two workers serve", func() bool { return len(c.ready()) == 2 && len(c.g.Stats().Workers) == 2 })
	good, bad, unbegun := ledger.check(t, c.journal)
	t.Logf("%v: %d answers, %d of them whole downloads and uploads, %d uploads with 502, %d downloads cut, %d deserted; POSTs: %d with 200, %d with 502, of which %d not begun",
		duration, answers, m.whole.Load(), m.failed.Load(), m.cut.Load(), m.deserted.Load(), good, bad, unbegun)
	t.Logf("what happened: %v; dispatched again %d, retried %d, taken back %d, lost %d", c.counts, redispatched(c.g),
		sum(c.g, func(l engine.LoopStats) uint64 { return l.Retried }), sum(c.g, func(l engine.LoopStats) uint64 { return l.TakenBack }),
		sum(c.g, func(l engine.LoopStats) uint64 { return l.Lost }))
	if n := sum(c.g, func(l engine.LoopStats) uint64 { return l.Violations + l.Expired + l.ParkRefused }); n != 0 {
		t.Errorf("%d violations or refusals, expected none", n)
	}
	if !t.Failed() {
		c.g.ExpectHoldings(inheritedBy(before, c.g), system.Allowance{Heap: 2 << 20, Private: 32 << 20, Worker: 4 << 20, Goroutines: 64})
	}
	c.g.Stop()
}

// memory is what the kernel says of a process's memory and threads.
func memory(t *testing.T, pid int) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for line := range strings.Lines(string(status)) {
		if name, value, _ := strings.Cut(line, ":"); name == "RssAnon" || name == "Threads" {
			said = append(said, name+" "+strings.TrimSpace(value))
		}
	}
	return strings.Join(said, ", ")
}

// inheritedBy says of the workers that serve now what the first ones held: those are gone.
func inheritedBy(before system.Holdings, g *system.Gateway) system.Holdings {
	was := system.Holdings{Heap: before.Heap, Processes: map[int]system.ProcessUsage{g.Pid(): before.Processes[g.Pid()]}}
	var first system.ProcessUsage
	for pid, usage := range before.Processes {
		if pid != g.Pid() && len(usage.Descriptors) >= len(first.Descriptors) {
			first = usage
		}
	}
	for _, w := range g.Stats().Workers {
		was.Processes[w.Pid] = first
	}
	return was
}
