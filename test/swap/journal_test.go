package swap

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"ringway/internal/admin"
	"ringway/internal/engine"
	"ringway/test/e2e/system"
)

// ledger is what clients know of their POSTs, each of which has a number.
type ledger struct {
	last     atomic.Int64
	mu       sync.Mutex
	statuses map[string]int
}

func newLedger() *ledger { return &ledger{statuses: make(map[string]int)} }

// post takes two answers: 200 with the number, or 502 if the worker that had begun it died.
func (l *ledger) post(c *client) error {
	id := strconv.FormatInt(l.last.Add(1), 10)
	status, got, err := c.exchange("POST", fmt.Sprintf("/post?id=%s&ms=%d", id, c.random.IntN(5)), c.bytes(c.random.IntN(2000)))
	switch {
	case err != nil:
		return err
	case status == http.StatusOK && string(got) != id:
		return fmt.Errorf("POST %s: the answer is %q", id, got)
	case status != http.StatusOK && status != http.StatusBadGateway:
		return fmt.Errorf("POST %s: status %d, expected 200 or 502", id, status)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[id] = status
	return nil
}

// check holds the ledger against the journal: nothing was begun twice, what was answered was begun, and nobody made
// anything up. It gives how many had either answer, and how many of those with 502 were never begun.
func (l *ledger) check(t *testing.T, journal string) (good, bad, unbegun int) {
	t.Helper()
	begun := lines(t, journal)
	for id, times := range begun {
		if times != 1 || l.statuses[id] == 0 {
			t.Errorf("POST %s was begun %d times and answered with status %d", id, times, l.statuses[id])
		}
	}
	for id, status := range l.statuses {
		switch {
		case status == http.StatusOK && begun[id] != 1:
			t.Errorf("POST %s was answered with 200 and begun %d times", id, begun[id])
		case status == http.StatusOK:
			good++
		default:
			bad++
			unbegun += 1 - begun[id]
		}
	}
	return good, bad, unbegun
}

// TestPostsAreRunOnce: under POSTs the worker, or one of two, is killed again and again. Each is run at most once, and
// answered with 200 or, if a handler had it when its worker died, 502.
func TestPostsAreRunOnce(t *testing.T) {
	t.Parallel()
	postsAreRunOnce(t, 5)
}

func postsAreRunOnce(t *testing.T, kills int) {
	for name, test := range map[string]struct{ flags, worker []string }{
		"the only worker":                   {nil, nil},
		"the only worker, env, few at once": {nil, []string{"--mode", "env", "--pool", "4"}},
		"one of two":                        {[]string{"--workers", "2", "--loops", "2"}, nil},
		"one of two, few at once":           {[]string{"--workers", "2"}, []string{"--pool", "4"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			journal := filepath.Join(t.TempDir(), "journal")
			g := system.StartGateway(t, system.Options{
				Supervised: true, Program: worker, Worker: append(test.worker, "--journal", journal),
				Flags: append(test.flags, "--queue-deadline", "20s", "--breaker-ends", "0"),
			})
			count := len(g.Stats().Supervisor.Slots)
			ready := func() (ready []admin.Worker) {
				for _, w := range g.Stats().Workers {
					if w.State == "ready" {
						ready = append(ready, w)
					}
				}
				return ready
			}
			ledger := newLedger()
			crowd := gather(t, g, clients, ledger.post)
			for i := range kills {
				crowd.waitForEach()
				system.Eventually(t, "all workers are ready", func() bool { return len(ready()) == count || t.Failed() })
				if t.Failed() {
					break
				}
				kill(t, ready()[i%count].Pid)
			}
			crowd.waitForEach()
			answers := crowd.disperse()
			good, bad, unbegun := ledger.check(t, journal)
			lost, retried := sum(g, func(l engine.LoopStats) uint64 { return l.Lost }), sum(g, func(l engine.LoopStats) uint64 { return l.Retried })
			t.Logf("%d POSTs during %d kills: %d answered with 200, %d with 502, of which %d had not begun; %d were dispatched again",
				answers, kills, good, bad, unbegun, redispatched(g))
			if uint64(bad) != lost || retried != 0 {
				t.Errorf("%d were answered with 502, the gateway knows of %d; it has retried %d, expected none", bad, lost, retried)
			}
			if queued := len(test.worker) > 0; bad == 0 || queued && redispatched(g) == 0 {
				t.Error("no kill has met a POST in a handler, or none has met one in a queue")
			}
			g.WaitIdle()
			g.Stop()
		})
	}
}
