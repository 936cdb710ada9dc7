package abuse

import (
	"testing"

	"ringway/test/e2e/system"
)

// attack is something that hostile clients do.
type attack struct {
	flags   []string                              // of the gateway
	round   func(t *testing.T, g *system.Gateway) // attacks once; its clients are gone when it returns
	warm    func(t *testing.T, g *system.Gateway) // the first round, if another one takes more from the free lists; may be nil
	rounds  int                                   // after the first one
	allowed system.Allowance                      // zero: system.DefaultAllowance
	after   func(t *testing.T, g *system.Gateway) // looks at what was counted; may be nil
}

// run makes a warm-up round and the others. What is held after the first one is what may be held after the last.
func (a attack) run(t *testing.T) {
	t.Helper()
	g := system.StartGateway(t, system.Options{
		Supervised: true, Program: worker, Self: "/self",
		Flags: append([]string{"--native-path", "/ping=pong", "--max-connections", "65536", "--client-connections", "0", "--max-requests", "0"}, a.flags...),
	})
	if a.allowed == (system.Allowance{}) {
		a.allowed = system.DefaultAllowance
	}
	if a.warm == nil {
		a.warm = a.round
	}
	beside(t, g, a.warm)
	before := g.Holdings()
	answered := int64(0)
	for range a.rounds {
		answered += beside(t, g, a.round)
	}
	if t.Failed() {
		return
	}
	g.ExpectHoldings(before, a.allowed)
	for _, l := range g.Stats().Loops {
		if l.Violations+l.Lost+l.Redispatched+l.Retried != 0 {
			t.Errorf("loop: %+v", l)
		}
	}
	t.Logf("%d honest requests answered beside", answered)
	if a.after != nil {
		a.after(t, g)
	}
	g.Stop()
}

// beside serves honest clients while something happens, and says how many of their requests were answered.
func beside(t *testing.T, g *system.Gateway, happens func(t *testing.T, g *system.Gateway)) int64 {
	t.Helper()
	honest := serveBeside(t, g)
	defer honest.stop()
	happens(t, g)
	return honest.answered.Load()
}
