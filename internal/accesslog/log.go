package accesslog

import (
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"ringway/internal/engine"
)

const (
	pollEvery  = 100 * time.Millisecond // also the age that a line may reach
	watchEvery = time.Second
	pieceSize  = 256 << 10 // of what is written at a time
	lineSize   = 64 << 10  // more than a line can have: texts are bounded, and a byte takes at most six
)

// Config is what a log is made with.
type Config struct {
	Path   string // or Stdout
	Format string // JSON or Combined
	Log    *slog.Logger
}

// Log is an access log. Its methods are safe for concurrent use.
type Log struct {
	log    *slog.Logger
	format format
	source engine.AccessSource
	target *target
	buffer []byte
	lines  uint64 // in buffer

	reopening chan struct{}
	closing   chan struct{} // Close was called
	ended     chan struct{} // run has returned
	closed    chan struct{} // Close waits for nothing any more but watch
	watched   chan struct{} // watch has returned
	closeOnce sync.Once
	file      atomic.Pointer[os.File] // target's, for Close

	written, bytes, failed, reopened atomic.Uint64
	cause                            atomic.Pointer[string] // of the last failure
}

// Stats are the counters of a log.
type Stats struct {
	Lines    uint64 `json:"lines"` // written
	Bytes    uint64 `json:"bytes"`
	Reopened uint64 `json:"reopened"`
	// Dropped lines by cause: the queue was full because writing took too long, or writing failed.
	DroppedSlow   uint64 `json:"dropped_slow"`
	DroppedFailed uint64 `json:"dropped_failed"`
}

// Open opens the file or pipe, which is created if need be. The error names the path and what was expected.
func Open(config Config) (*Log, error) {
	target, err := openTarget(config.Path)
	if err != nil {
		return nil, err
	}
	l := &Log{
		log: config.Log, format: newFormat(config.Format), target: target, buffer: make([]byte, 0, pieceSize+lineSize),
		reopening: make(chan struct{}, 1), closing: make(chan struct{}), ended: make(chan struct{}),
		closed: make(chan struct{}), watched: make(chan struct{}),
	}
	l.file.Store(target.file)
	return l, nil
}

// Start begins to fetch and write records.
func (l *Log) Start(source engine.AccessSource) {
	l.source = source
	go l.run()
	go l.watch()
}

// Reopen opens the path again, after what has been fetched was written. If that fails the open file is kept.
func (l *Log) Reopen() {
	select {
	case l.reopening <- struct{}{}:
	default: // it will be done already
	}
}

// Close writes what the source still has and closes the file. Whoever does not take it within the limit does not get it.
// Start must have been called.
func (l *Log) Close(limit time.Duration) {
	l.closeOnce.Do(func() {
		close(l.closing)
		select {
		case <-l.ended:
		case <-time.After(limit):
			l.log.Warn("the last lines of the access log are lost: nobody takes them", "waited", limit)
			stop(l.file.Load())
		}
		close(l.closed)
		<-l.watched
	})
}

// Stats reads the counters.
func (l *Log) Stats() Stats {
	return Stats{
		Lines: l.written.Load(), Bytes: l.bytes.Load(), Reopened: l.reopened.Load(),
		DroppedSlow: l.source.Dropped(), DroppedFailed: l.failed.Load(),
	}
}

// run is the one goroutine that writes.
func (l *Log) run() {
	defer close(l.ended)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.source.Wake():
		case <-tick.C:
		case <-l.reopening:
			l.fetch()
			l.reopen()
		case <-l.closing:
			l.fetch()
			_ = l.target.file.Close()
			return
		}
		l.fetch()
	}
}

func (l *Log) fetch() {
	l.source.Take(l.add)
	l.flush()
}

func (l *Log) add(r *engine.AccessRecord) {
	l.buffer = l.format.appendLine(l.buffer, r)
	l.lines++
	if len(l.buffer) >= pieceSize {
		l.flush()
	}
}

func (l *Log) flush() {
	if len(l.buffer) == 0 {
		return
	}
	written, lost, err := l.target.write(l.buffer)
	if err != nil {
		cause := err.Error()
		l.cause.Store(&cause)
	}
	l.written.Add(l.lines - uint64(lost))
	l.failed.Add(uint64(lost))
	l.bytes.Add(uint64(written))
	l.buffer, l.lines = l.buffer[:0], 0
}

func (l *Log) reopen() {
	if err := l.target.reopen(); err != nil {
		l.log.Error("the access log was not reopened, the open file is kept", "error", err)
		return
	}
	l.file.Store(l.target.file)
	l.reopened.Add(1)
	l.log.Info("access log reopened", "path", l.target.path)
}
