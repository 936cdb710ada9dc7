package bridge

import (
	"errors"
	"io"
	"net/http"
	"os"

	"ringway/ring"
)

// smallRead is how many bytes are copied under the lane's lock rather than after letting go of it.
const smallRead = 4096

// errTruncated is what reads fail with when the rest of the body will never come.
var errTruncated = errors.New("bridge: the request body was cut off")

// awaitPiece waits until there is a piece of the body to read, or says why there will be none (io.EOF: all was read).
// The lane is locked.
func (ex *exchange) awaitPiece(generation uint32) error {
	for {
		switch {
		case !ex.runs(generation) || ex.body.closed || ex.stream != streamNone:
			return http.ErrBodyReadAfterClose
		case ex.body.waiting():
			if passed(ex.deadlines.read) {
				return os.ErrDeadlineExceeded
			}
			return nil
		case ex.body.busy: // another goroutine reads a piece, of which something may be left
		case ex.body.ended:
			return io.EOF
		case ex.cancelled != nil:
			return errors.Join(errTruncated, ex.cancelled)
		case ex.lane.closed:
			return ErrGatewayGone
		case passed(ex.deadlines.read):
			return os.ErrDeadlineExceeded
		case ex.body.expect && !ex.body.asked:
			// It may let go of the lane, so that what arrives meanwhile wakes nobody: look again before waiting.
			if err := ex.askBody(generation); err != nil {
				return err
			}
			continue
		}
		ex.await()
	}
}

// askBody tells the gateway that the handler wants the body, which a client with Expect: 100-continue waits for.
func (ex *exchange) askBody(generation uint32) error {
	if ex.body.asked || !ex.body.expect {
		return nil
	}
	ex.body.asked = true
	l := ex.lane
	e := ring.Event{
		Kind: ring.EventContinue, Exchange: ex.slot, Generation: generation,
		HeadBlock: ring.NoBlock, BodyBlock: ring.NoBlock, Total: ring.LengthUnknown,
	}
	for !l.ring.Publish(&e) {
		ex.awaitRoom()
		if l.closed || !ex.runs(generation) {
			return ErrGatewayGone
		}
		if ex.sender.begun { // by another goroutine: too late to continue
			break
		}
	}
	ex.unstarve()
	return nil
}

// readBody reads the request body; see io.Reader.
func (ex *exchange) readBody(generation uint32, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	l := ex.lane
	l.lock()
	if err := ex.awaitPiece(generation); err != nil {
		l.unlock()
		return 0, err
	}
	return ex.readPiece(generation, p), nil
}

// readPiece copies out of the oldest piece. The lane is locked before, and not after.
func (ex *exchange) readPiece(generation uint32, p []byte) int {
	l := ex.lane
	r := ex.body.take(ex)
	n := min(len(p), int(r.Length))
	view := l.ring.Inbound(r)[:n]
	if n <= smallRead {
		copy(p, view)
		ex.body.untake(ex, r, n)
		l.unlock()
		return n
	}
	l.pin()
	l.unlock()
	copy(p, view)
	l.lock()
	ex.putBack(generation, r, n)
	l.unpin()
	l.unlock()
	return n
}

// putBack ends what take began, after the lane was unlocked in between.
func (ex *exchange) putBack(generation uint32, r ring.Ref, n int) {
	if !ex.runs(generation) {
		ex.lane.give(r) // nobody else knows the piece any more, also when it shares the block of the head
		return
	}
	ex.body.untake(ex, r, n)
	ex.cond.Broadcast()
}

// copyBody writes the rest of the body to w, straight from the lent blocks; see io.WriterTo.
func (ex *exchange) copyBody(generation uint32, w io.Writer) (int64, error) {
	l := ex.lane
	total := int64(0)
	l.lock()
	defer l.unlock()
	for {
		if err := ex.awaitPiece(generation); err != nil {
			if err == io.EOF {
				err = nil
			}
			return total, err
		}
		n, err := ex.copyPiece(generation, w)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

// copyPiece writes one piece to w. The lane is locked before and after; w may panic.
func (ex *exchange) copyPiece(generation uint32, w io.Writer) (n int, err error) {
	l := ex.lane
	r := ex.body.take(ex)
	view := l.ring.Inbound(r)
	l.pin()
	l.unlock()
	defer func() {
		l.lock()
		ex.putBack(generation, r, n)
		l.unpin()
	}()
	n, err = w.Write(view)
	if err == nil && n < len(view) {
		err = io.ErrShortWrite
	}
	return max(0, min(n, len(view))), err
}

// closeBody returns what was not read; the rest is returned as it comes.
func (ex *exchange) closeBody(generation uint32) {
	ex.lane.lock()
	defer ex.lane.unlock()
	if ex.runs(generation) {
		ex.body.drop(ex)
		ex.cond.Broadcast()
	}
}

// pin keeps the segments mapped while memory of them is used outside the lock. The lane is locked and not shut down,
// or a handler of it runs.
func (l *lane) pin() { l.att.users.Add(1) }

func (l *lane) unpin() { l.att.users.Done() }
