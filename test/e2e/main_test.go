package e2e

import (
	"os"
	"testing"

	"ringway/test/e2e/system"
)

func TestMain(m *testing.M) {
	os.Exit(system.Main(m, system.Program{Path: &hostile, Sources: "./test/e2e/hostile"}))
}

// workers are all ways in which the example worker serves.
var workers = []struct{ mode, dispatch string }{
	{"handler", "auto"}, {"handler", "inline"}, {"handler", "pool"},
	{"env", "auto"}, {"env", "inline"}, {"env", "pool"},
}

// withEveryWorker runs a test against each of them. The test ends its gateway.
func withEveryWorker(t *testing.T, test func(t *testing.T, g *system.Gateway)) {
	t.Parallel()
	for _, w := range workers {
		t.Run(w.mode+"-"+w.dispatch, func(t *testing.T) {
			t.Parallel()
			test(t, system.StartGateway(t, system.Options{
				Supervised: true, Worker: []string{"--mode", w.mode, "--dispatch", w.dispatch, "--release", "r1"},
				Flags: []string{"--native-path", "/ping=pong"},
			}))
		})
	}
}

// everyWorker runs a test against each of them, and expects that it leaves nothing behind.
func everyWorker(t *testing.T, test func(t *testing.T, g *system.Gateway)) {
	withEveryWorker(t, func(t *testing.T, g *system.Gateway) {
		test(t, g)
		if t.Failed() {
			return
		}
		g.WaitIdle()
		if violations := g.Stats().Loops[0].Violations; violations != 0 {
			t.Errorf("%d violations", violations)
		}
		g.Stop()
	})
}
