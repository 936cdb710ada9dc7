package swap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"ringway/internal/engine"
	"ringway/test/e2e/system"
)

// wrkLoad keeps wrk asking over as many connections as there are clients, until what it returns is called: that fails the
// test for each error that wrk has seen.
func wrkLoad(t *testing.T, g *system.Gateway) (stop func()) {
	t.Helper()
	path, err := exec.LookPath("wrk")
	if err != nil {
		t.Fatalf("%v: `tools/setup.sh test` installs it", err)
	}
	p := exec.Command(path, "-t1", "-c"+strconv.Itoa(clients), "-d600s", "--timeout", "20s", "-s", "testdata/load.lua", g.URL("/"))
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var output, result bytes.Buffer
	p.Stdout, p.Stderr = &output, &result
	ended := make(chan error, 1)
	started := make(chan error)
	go func() { // on a thread that stays: its end would be wrk's
		started <- p.Start()
		ended <- p.Wait()
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	return func() {
		t.Helper()
		_ = p.Process.Signal(syscall.SIGINT) // it stops, and tells
		select {
		case err = <-ended:
		case <-time.After(system.Patience):
			err = fmt.Errorf("not within %v", system.Patience)
		}
		var saw struct{ Seen, Bad, Errors uint64 }
		if err != nil || json.Unmarshal(result.Bytes(), &saw) != nil {
			t.Fatalf("wrk: %v\n%s\n%s", err, &output, &result)
		}
		if saw.Seen == 0 || saw.Bad != 0 || saw.Errors != 0 {
			t.Errorf("wrk saw %d answers, %d of them bad, and %d errors", saw.Seen, saw.Bad, saw.Errors)
		}
		t.Logf("wrk saw %d answers", saw.Seen)
	}
}

// served waits until some hundred requests more were answered.
func served(t *testing.T, g *system.Gateway) {
	t.Helper()
	answers := func() uint64 { return sum(g, func(l engine.LoopStats) uint64 { return l.Answers["2xx"] }) }
	before := answers()
	system.Eventually(t, "answers", func() bool { return answers() > before+5*clients || t.Failed() })
}

// TestWrkDuringSwaps: another client than ours sees nothing either.
func TestWrkDuringSwaps(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{
		Supervised: true, Program: worker, Flags: []string{"--workers", "2", "--confirm", "50ms", "--probe", "/headers"},
	})
	g.WaitReady(2)
	stop := wrkLoad(t, g)
	for i := range swaps {
		served(t, g)
		if output, err := command(t, g, "swap", worker, "--", "--release", fmt.Sprintf("r%d", i)); err != nil {
			t.Errorf("swap %d: %v\n%s", i, err, output)
			break
		}
	}
	served(t, g)
	stop()
	settled(t, g)
	g.WaitIdle()
	g.Stop()
}

// TestWrkDuringKills: of one of two workers.
func TestWrkDuringKills(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--queue-deadline", "20s"}})
	pair := startPair(t, g, worker)
	stop := wrkLoad(t, g)
	for i := range 20 {
		served(t, g) // what ran at the last kill is run once more, not twice
		pair.killOne(i)
	}
	served(t, g)
	stop()
	g.WaitIdle()
	g.Stop()
}
