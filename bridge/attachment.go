package bridge

import (
	"errors"
	"sync"
	"time"

	"ringway/ring"
)

// attachment is what a worker shares with one gateway process.
type attachment struct {
	worker    *worker
	number    uint64               // the gateway's, for logs
	gateway   int                  // the process id that the gateway calls its own
	addresses []string             // URLs at which clients reach the gateway
	reasons   bool                 // the gateway sends phrases
	segments  *ring.WorkerSegments // nil on heap memory (tests)
	lanes     []*lane
	watch     watch
	users     sync.WaitGroup // goroutines that may touch the segments

	once  sync.Once
	ended chan struct{}
	cause error // set before ended is closed
}

func newAttachment(w *worker) *attachment {
	return &attachment{worker: w, ended: make(chan struct{}), watch: watch{wake: make(chan struct{}, 1)}}
}

// add makes the next lane.
func (att *attachment) add(end *ring.WorkerLane, socket *ring.Socket, lanes int) {
	att.lanes = append(att.lanes, newLane(att, end, socket, att.worker.opts, lanes))
}

// start lets the readers run.
func (att *attachment) start() {
	if att.worker.opts.dispatch.mode == modeAuto {
		go att.watch.run(att)
	}
	for _, l := range att.lanes {
		l.start()
	}
}

// fail ends the attachment; it returns at once and may be called with a lane locked.
func (att *attachment) fail(cause error) {
	att.once.Do(func() {
		att.cause = cause
		close(att.ended)
		go att.shut()
	})
}

// shut ends the lanes and drops the segments when nobody uses them any more. A handler that does not heed its context
// keeps them mapped.
func (att *attachment) shut() {
	for _, l := range att.lanes {
		l.shut(ErrGatewayGone)
		_ = l.socket.Close() // its end is all that matters
	}
	att.users.Wait()
	if att.segments != nil {
		if err := att.segments.Close(); err != nil {
			att.worker.opts.logger.Error("ringway: cannot unmap segments", "error", err)
		}
	}
}

// gone reports whether an error only says that the client or the gateway went away.
func (att *attachment) gone(err error) bool {
	for _, known := range []error{ErrClientGone, ErrGatewayGone, ErrDeadline, ErrStopping, ErrRejected, ErrHalfClosed} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// settle waits until nothing runs and nothing waits on any lane, or the attachment ends.
func (att *attachment) settle() {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		quiet := true
		for _, l := range att.lanes {
			quiet = quiet && l.quiet()
		}
		if quiet {
			return
		}
		select {
		case <-tick.C:
		case <-att.ended:
			return
		}
	}
}
