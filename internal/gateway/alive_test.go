package gateway

import (
	"strings"
	"testing"
	"time"
)

func TestAlive(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, nil)
	if err := g.Alive(time.Minute); err != nil {
		t.Errorf("a gateway that works: %v", err)
	}
	fake.mu.Lock()
	fake.hangs = true
	fake.mu.Unlock()
	if err := g.Alive(20 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "loop 0 did not turn") {
		t.Errorf("a loop that hangs: %v", err)
	}
	goOn := make(chan struct{})
	g.mail.post(func() { <-goOn })
	if err := g.Alive(20 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "the core did not answer") {
		t.Errorf("a core that hangs: %v", err)
	}
	close(goOn)
	g.Stop()
	waitDone(t, g)
	if err := g.Alive(time.Minute); err != nil {
		t.Errorf("a gateway that has ended: %v", err)
	}
}
