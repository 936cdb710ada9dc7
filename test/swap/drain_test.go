package swap

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"ringway/internal/admin"
	"ringway/test/e2e/system"
)

// held is a request that a handler is at, until finish is called.
type held struct {
	conn   net.Conn
	answer *http.Response
}

func hold(t *testing.T, g *system.Gateway) held {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(3 * system.Patience))
	_, _ = io.WriteString(conn, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nbefore\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "POST"})
	if err != nil {
		t.Fatal(err)
	}
	return held{conn, answer}
}

func (h held) finish(t *testing.T) {
	t.Helper()
	_, _ = io.WriteString(h.conn, "6\r\n after\r\n0\r\n\r\n")
	if got, err := io.ReadAll(h.answer.Body); string(got) != "before after" || err != nil {
		t.Errorf("what a handler was at ended with %q, %v", got, err)
	}
}

// states are those of all releases, by name; of several with a name, of the last.
func states(g *system.Gateway) map[string]string {
	all := make(map[string]string)
	for _, r := range g.Stats().Releases {
		all[r.Name] = r.State
	}
	return all
}

// TestSwapsDuringDrains: handlers of releases that drain go on while others come and go, and end in any order.
func TestSwapsDuringDrains(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--release", "r0"}, Flags: []string{"--confirm", "50ms", "--drain-limit", "10m"}})
	crowd := gather(t, g, 16, who, hello, echo)
	all := []held{hold(t, g)}
	for i := 1; i <= 3; i++ {
		if output, err := command(t, g, "swap", system.Programs.Worker, "--", "--release", fmt.Sprintf("r%d", i)); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		crowd.waitForEach()
		all = append(all, hold(t, g))
	}
	if got := states(g); got["r0"] != "draining" || got["r1"] != "draining" || got["r2"] != "draining" || got["r3"] != "active" {
		t.Errorf("releases %v", got)
	}
	for i, h := range []int{1, 3, 0, 2} {
		all[h].finish(t)
		name := fmt.Sprintf("r%d", h)
		system.Eventually(t, name+" is retired", func() bool { return h == 3 || states(g)[name] == "retired" })
		if i == 0 && states(g)["r0"] != "draining" {
			t.Errorf("releases %v", states(g))
		}
	}
	crowd.waitForEach()
	crowd.disperse()
	settled(t, g)
	g.WaitIdle()
	g.Stop()
}

// TestSwapsThatGiveWay: to one that comes while they warm, or are being confirmed.
func TestSwapsThatGiveWay(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--release", "r0"}, Flags: []string{"--confirm", "10m"}})
	crowd := gather(t, g, 16, who, hello, echo)
	begin := func(arguments ...string) (outcome func() (string, error)) {
		p := exec.Command(system.Programs.Gateway, append([]string{"swap", "--admin", strings.TrimPrefix(g.Admin, "http://")}, arguments...)...)
		var output strings.Builder
		p.Stdout, p.Stderr = &output, &output
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		return func() (string, error) { err := p.Wait(); return output.String(), err }
	}
	never := begin(script("exec sleep 60")(t), "--")
	system.Eventually(t, "it warms", func() bool { return states(g)["app"] == "warming" })
	first := begin(system.Programs.Worker, "--", "--release", "r1")
	if output, err := never(); err == nil || !strings.Contains(output, "superseded by release") {
		t.Errorf("%v\n%s", err, output)
	}
	system.Eventually(t, "r1 is active", func() bool { return states(g)["r1"] == "active" })
	crowd.waitForEach()
	if got := states(g); got["r0"] != "standby" {
		t.Errorf("releases %v", got)
	}
	second := begin(system.Programs.Worker, "--", "--release", "r2")
	if output, err := first(); err != nil || !strings.Contains(output, "release r0 drains") {
		t.Errorf("%v\n%s", err, output)
	}
	system.Eventually(t, "r2 is active", func() bool { return states(g)["r2"] == "active" })
	crowd.waitForEach()
	if got := states(g); got["r0"] != "retired" || got["r1"] != "standby" {
		t.Errorf("releases %v", got)
	}
	// What is being confirmed gives its place back by command, at once.
	if output, err := command(t, g, "rollback"); err != nil || !strings.Contains(output, "release r1 is active") {
		t.Errorf("%v\n%s", err, output)
	}
	if output, err := second(); err == nil || !strings.Contains(output, "taken back by command") {
		t.Errorf("%v\n%s", err, output)
	}
	if got := states(g); got["r1"] != "active" || got["r2"] != "failed" {
		t.Errorf("releases %v", got)
	}
	crowd.waitForEach()
	crowd.disperse()
	settled(t, g)
	g.Stop()
}

// TestRollbackTwice: there and back again, and to the same build at the same path.
func TestRollbackTwice(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{
		Supervised: true, Program: worker, Worker: []string{"--release", "r0"}, Flags: []string{"--confirm", "50ms", "--workers", "2"},
	})
	g.WaitReady(2)
	crowd := gather(t, g, 16, who, hello, echo)
	seen := make(map[int]bool)
	serves := func(name string) {
		t.Helper()
		crowd.waitForEach()
		settled(t, g)
		workers := func() []admin.Worker { return g.Stats().Workers }
		system.Eventually(t, "two workers of "+name, func() bool {
			return len(workers()) == 2 && !slices.ContainsFunc(workers(), func(w admin.Worker) bool { return w.Release != name })
		})
		for _, w := range workers() {
			if seen[w.Pid] {
				t.Errorf("process %d of release %s has served before", w.Pid, name)
			}
			seen[w.Pid] = true
		}
	}
	serves("r0")
	for _, step := range []struct {
		name      string
		arguments []string
	}{
		{"r1", []string{"swap", worker, "--", "--release", "r1"}},
		{"r0", []string{"rollback"}},
		{"r1", []string{"rollback"}},
		{"r1", []string{"swap", worker}},
	} {
		if output, err := command(t, g, step.arguments[0], step.arguments[1:]...); err != nil {
			t.Errorf("%v: %v\n%s", step.arguments, err, output)
		}
		serves(step.name)
	}
	crowd.disperse()
	g.WaitIdle()
	g.Stop()
}

// TestBusyWorkerGetsLess: new requests go to the worker that has fewer, and to both when they have as many.
func TestBusyWorkerGetsLess(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--loops", "1"}})
	busy := g.StartWorker("--release", "one")
	g.WaitReady(1)
	const n = 8
	var all []held
	for range n {
		all = append(all, hold(t, g))
	}
	free := g.StartWorker("--release", "one")
	g.WaitReady(2)
	crowd := gather(t, g, n-1, who) // each has one at most, so that there are always fewer than n
	crowd.waitForEach()
	crowd.disperse()
	if w, _ := workerOf(g, busy.Pid()); w.InFlight != n {
		t.Errorf("the busy one has %d, expected %d", w.InFlight, n)
	}
	for range n {
		all = append(all, hold(t, g))
	}
	if w, _ := workerOf(g, free.Pid()); w.InFlight != n {
		t.Errorf("the free one has %d, expected %d", w.InFlight, n)
	}
	for _, h := range all {
		h.finish(t)
	}
	g.WaitIdle()
	if _, published := workerOf(g, busy.Pid()); published > 10*n {
		t.Errorf("%d events were sent to the busy one, expected some for each of its %d requests", published, n)
	}
	g.Stop()
}
