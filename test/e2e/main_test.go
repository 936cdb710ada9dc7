package e2e

import (
	"os"
	"testing"

	"ringway/test/e2e/system"
)

func TestMain(m *testing.M) { os.Exit(system.Main(m)) }

// workers are all ways in which the example worker serves.
var workers = []struct{ mode, dispatch string }{
	{"handler", "auto"}, {"handler", "inline"}, {"handler", "pool"},
	{"env", "auto"}, {"env", "inline"}, {"env", "pool"},
}

// everyWorker runs a test against each of them.
func everyWorker(t *testing.T, test func(t *testing.T, g *system.Gateway)) {
	for _, w := range workers {
		t.Run(w.mode+"-"+w.dispatch, func(t *testing.T) {
			g := system.StartGateway(t, system.Options{
				Supervised: true, Worker: []string{"--mode", w.mode, "--dispatch", w.dispatch, "--release", "r1"},
				Flags: []string{"--native-path", "/ping=pong"},
			})
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
}
