package stress

import (
	"encoding/json"
	"fmt"
	"time"

	"ringway/test/e2e/system"
	"ringway/test/stress/plan"
)

// settle checks what must hold when the clients have gone, ends both processes and adds up what they say.
func (r *run) settle(g *system.Gateway, workers []*system.Process, before system.Holdings, took time.Duration) {
	t := r.t
	t.Helper()
	c := counts{
		answered: r.answered.Load(), gaveUp: r.gaveUp.Load(), cancelled: r.cancelled.Load(), cut: r.cut.Load(),
		bytesIn: r.bytesIn.Load(), bytesOut: r.bytesOut.Load(), duration: took,
	}
	g.ExpectHoldings(before, system.FirstUse)
	s := g.Stats()
	for _, l := range s.Loops {
		if l.Violations+l.Evicted+l.Expired+l.ParkRefused+l.Redispatched+l.Lost != 0 || unexpected(l.Refused) {
			t.Errorf("loop: %+v", l)
		}
		c.requests += l.Requests
		c.parked = max(c.parked, l.ParkedHighWater)
	}
	for _, l := range s.Lanes {
		if l.Published != l.Acknowledged || l.HighWater > uint64(l.Slots) || l.ArenaHighWater > l.ArenaBytes || l.OutArenaHighWater > l.ArenaBytes {
			t.Errorf("lane: %+v", l)
		}
		c.events, c.stalls = c.events+l.Published, c.stalls+l.FullStalls
		c.sent, c.avoided = c.sent+l.WakeupsSent, c.avoided+l.WakeupsAvoided
		c.peak = max(c.peak, l.ArenaHighWater*100/l.ArenaBytes, l.OutArenaHighWater*100/l.ArenaBytes)
	}
	g.Stop()
	for _, w := range workers {
		var tally plan.Tally
		line, _ := w.Line(system.Patience)
		if err := json.Unmarshal([]byte(line), &tally); err != nil || w.Exit(system.Patience) != 0 {
			t.Fatalf("worker: %q, %v", line, err)
		}
		if tally.Twice+tally.Mixed != 0 || tally.Started != tally.Finished {
			t.Errorf("worker: %+v", tally)
		}
		c.handlers += tally.Finished
		c.gone += tally.Gone
	}
	if c.handlers < c.answered+c.gaveUp || c.handlers > c.requests {
		t.Errorf("%d handlers ran for %d answers", c.handlers, c.answered)
	}
	t.Log(&c)
	r.add(&c)
}

// unexpected tells whether anything was refused but what clients broke off and handlers gave up.
func unexpected(refused map[string]uint64) bool {
	for reason := range refused {
		if reason != "request body incomplete" && reason != "the application failed" {
			return true
		}
	}
	return false
}

func (a *totals) add(c *counts) {
	a.answered, a.gaveUp, a.cancelled, a.cut = a.answered+c.answered, a.gaveUp+c.gaveUp, a.cancelled+c.cancelled, a.cut+c.cut
	a.bytesIn, a.bytesOut = a.bytesIn+c.bytesIn, a.bytesOut+c.bytesOut
	a.requests, a.events, a.stalls = a.requests+c.requests, a.events+c.events, a.stalls+c.stalls
	a.sent, a.avoided = a.sent+c.sent, a.avoided+c.avoided
	a.handlers, a.gone, a.duration = a.handlers+c.handlers, a.gone+c.gone, a.duration+c.duration
	a.parked, a.peak = max(a.parked, c.parked), max(a.peak, c.peak)
}

func (c *counts) String() string {
	return fmt.Sprintf("%d answered (bodies: %d MiB in, %d MiB out), %d given up by handlers and %d cut with them, %d cancelled by clients; "+
		"workers: %d handlers, %d of them saw their client go; "+
		"gateway: %d requests, %d events, %d full stalls, at most %d parked, %d wake-ups and %d avoided, arenas at most %d%% full; %v",
		c.answered, c.bytesIn>>20, c.bytesOut>>20, c.gaveUp, c.cut, c.cancelled, c.handlers, c.gone,
		c.requests, c.events, c.stalls, c.parked, c.sent, c.avoided, c.peak, c.duration.Round(10*time.Millisecond))
}
