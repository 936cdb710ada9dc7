package bridge

import (
	"time"

	"golang.org/x/sys/unix"
)

// clockStart is a moment on the clock that time.Since reads cheaply, and clockStartNs the same on CLOCK_MONOTONIC, which
// is what the gateway's times are. Both count alike.
var clockStart, clockStartNs = readClocks()

// readClocks reads both at almost the same moment: the closest of some tries, because the process may lose its processor
// in between.
func readClocks() (start time.Time, startNs uint64) {
	closest := time.Duration(-1)
	for range 5 {
		var clock unix.Timespec
		before := time.Now()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &clock); err != nil {
			return time.Time{}, 0
		}
		if apart := time.Since(before); closest < 0 || apart < closest {
			closest, start, startNs = apart, before, uint64(clock.Nano())
		}
	}
	return start, startNs
}

// monotonic is CLOCK_MONOTONIC in nanoseconds; 0 if it cannot be read.
func monotonic() uint64 {
	if clockStartNs == 0 {
		return 0
	}
	return clockStartNs + uint64(time.Since(clockStart))
}
