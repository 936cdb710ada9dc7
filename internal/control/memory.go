package control

import (
	"fmt"
	"sync"

	"ringway/ring"
)

// ledger keeps the memory of all segments together below a limit. What the host and its cgroups have left is checked by
// ring.CreateSegments.
type ledger struct {
	mu    sync.Mutex
	limit int64
	used  int64
	// creating is held while segments are created, so that two workers cannot both be given the last free memory.
	creating sync.Mutex
}

// reserve takes size bytes, or says why it cannot.
func (l *ledger) reserve(size int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if size > l.limit-l.used {
		return fmt.Errorf("segments of %s do not fit: %s of %s (--memory-limit) are in use",
			mebibytes(size), mebibytes(l.used), mebibytes(l.limit))
	}
	l.used += size
	return nil
}

func (l *ledger) setLimit(limit int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = limit
}

func (l *ledger) release(size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used -= size
}

func (l *ledger) create(workerID uint64, geometry ring.Geometry) (*ring.Segments, error) {
	l.creating.Lock()
	defer l.creating.Unlock()
	return ring.CreateSegments(workerID, geometry)
}

// segmentsSize is the bytes that the segments of a worker take.
func segmentsSize(geometry ring.Geometry) int64 {
	return int64(geometry.InboundSize()) + int64(geometry.OutboundSize())
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }
