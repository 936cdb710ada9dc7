package bridge

import (
	"testing"

	"golang.org/x/sys/unix"
)

func clock(t *testing.T) uint64 {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	return uint64(now.Nano())
}

// TestMonotonicIsTheGatewaysClock: within a millisecond, which is far more than the two readings are apart.
func TestMonotonicIsTheGatewaysClock(t *testing.T) {
	const slack = 1_000_000
	for range 1000 {
		before, got, after := clock(t), monotonic(), clock(t)
		if got+slack < before || got > after+slack {
			t.Fatalf("%d, want %d to %d", got, before, after)
		}
	}
}
