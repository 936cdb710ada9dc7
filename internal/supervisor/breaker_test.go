package supervisor

import (
	"testing"
	"time"
)

func TestBreakerOpensAfterManyEndsWithinItsWindow(t *testing.T) {
	type end struct {
		after   time.Duration // the one before
		healthy bool
		open    bool
	}
	for name, ends := range map[string][]end{
		"quickly":              {{0, false, false}, {1, false, false}, {1, false, true}},
		"slowly":               {{0, false, false}, {6, false, false}, {6, false, false}, {6, false, false}},
		"at the window's edge": {{0, false, false}, {5, false, false}, {5, false, true}},
		"a healthy life":       {{0, false, false}, {1, false, false}, {1, true, false}, {1, false, false}, {1, false, true}},
		"a failed trial":       {{0, false, false}, {1, false, false}, {1, false, true}, {60, false, true}},
		"a good trial":         {{0, false, false}, {1, false, false}, {1, false, true}, {60, true, false}, {1, false, false}, {1, false, true}},
	} {
		b := Breaker{Ends: 3, Window: 10 * time.Second}
		now := time.Now()
		for i, e := range ends {
			now = now.Add(e.after * time.Second)
			if got := b.Ended(now, e.healthy); got != e.open {
				t.Errorf("%s: open %v after end %d, want %v", name, got, i+1, e.open)
			}
		}
	}
	never := Breaker{Window: time.Hour}
	for range 100 {
		if never.Ended(time.Now(), false) {
			t.Fatal("a breaker without a number of ends has opened")
		}
	}
}
