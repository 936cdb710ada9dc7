package bridge

import (
	"testing"
	"time"

	"ringway/ring/ringtest"
)

func TestSpinner(t *testing.T) {
	never := func() bool { return false }
	off := spinner{}
	if off.worth(1) || off.worth(2) {
		t.Error("spins though it is off")
	}
	s := spinner{limit: time.Microsecond}
	if !s.worth(1) || s.worth(1+spinEvents+1) || !s.worth(2+spinEvents+1) {
		t.Error("spins for many events, or not for few")
	}
	calls := 0
	if !s.until(func() bool { calls++; return calls == 3 }) || s.penalty != 0 {
		t.Error("did not see the event")
	}
	if s.until(never) {
		t.Error("saw an event where there is none")
	}
	for i := range spinPenalty {
		if s.worth(100) {
			t.Fatalf("spins again after %d sleeps", i)
		}
	}
	if !s.worth(101) {
		t.Error("never spins again")
	}
}

// A worker that spins serves as any other, and ends while it spins.
func TestServingWithSpin(t *testing.T) {
	x := newHarness(t, testGeometry, hello, nil, WithSpin(time.Hour))
	if x.lane.spin.limit != maxSpin {
		t.Errorf("spins for %v", x.lane.spin.limit)
	}
	for range 200 {
		if a := x.do(t, ringtest.Request{}); a.Status != 200 {
			t.Fatal(a)
		}
	}
	x.settled(t)
}
