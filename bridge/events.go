package bridge

import (
	"errors"
	"fmt"
	"time"

	"ringway/ring"
)

// Reasons for which a request's context is cancelled; context.Cause gives them.
var (
	ErrClientGone  = errors.New("bridge: the client has closed the connection")
	ErrHalfClosed  = errors.New("bridge: the client has closed its sending side")
	ErrDeadline    = errors.New("bridge: the gateway has given the request up")
	ErrStopping    = errors.New("bridge: the worker's time to drain is over")
	ErrRejected    = errors.New("bridge: the gateway has refused the answer or the rest of the request")
	ErrGatewayGone = errors.New("bridge: the gateway is gone")
)

func cancelCause(reason uint16) error {
	switch reason {
	case ring.CancelHalfClosed:
		return ErrHalfClosed
	case ring.CancelDeadline:
		return ErrDeadline
	case ring.CancelStopping:
		return ErrStopping
	case ring.CancelRejected:
		return ErrRejected
	}
	return ErrClientGone
}

// handle does what 3.7 says for an inbound event. It returns the exchange that a REQUEST was bound to, else nil; an
// error is a broken promise of the gateway.
func (l *lane) handle(e *ring.Event) (*exchange, error) {
	if int(e.Exchange) >= len(l.slots) {
		return nil, fmt.Errorf("%w: event %d for exchange %d, want less than %d", ring.ErrFault, e.Kind, e.Exchange, len(l.slots))
	}
	ex := &l.slots[e.Exchange]
	mine := ex.state != exchangeIdle && ex.generation == e.Generation
	switch e.Kind {
	case ring.EventRequest:
		return l.bind(ex, e)
	case ring.EventBody:
		head, body := e.Head(), e.Body()
		if err := errors.Join(l.ring.CheckInbound(head), l.ring.CheckInbound(body)); err != nil {
			return nil, err
		}
		if !mine {
			l.give(head)
			if body.Block != head.Block {
				l.give(body)
			}
			return nil, nil
		}
		ex.body.add(ex, e, head, body)
		ex.cond.Broadcast()
	case ring.EventCredit:
		if mine {
			ex.window += int(e.Credit)
			ex.wanting = false
			ex.cond.Broadcast()
		}
	case ring.EventFileDone:
		if mine && ex.filing {
			ex.filing, ex.fileStatus = false, e.Status
			l.files--
			ex.cond.Broadcast()
		}
	case ring.EventCancel:
		if mine {
			l.cancel(ex, e.Status)
		}
	default:
		return nil, fmt.Errorf("%w: event kind %d", ring.ErrFault, e.Kind)
	}
	return nil, nil
}

// bind gives a slot to a new request; its state stays QUEUED until it is claimed.
func (l *lane) bind(ex *exchange, e *ring.Event) (*exchange, error) {
	if ex.state != exchangeIdle {
		return nil, fmt.Errorf("%w: request for exchange %d, which still has one (L5)", ring.ErrFault, ex.slot)
	}
	head, body := e.Head(), e.Body()
	if err := errors.Join(l.ring.CheckInbound(head), l.ring.CheckInbound(body)); err != nil {
		return nil, err
	}
	if head.None() {
		return nil, fmt.Errorf("%w: request without a head", ring.ErrFault)
	}
	ex.generation = e.Generation
	ex.head = head
	ex.window = int(e.Credit)
	ex.wanting, ex.filing = false, false
	ex.publishedNs, ex.startedNs = e.TimeNs, 0
	ex.cancelled, ex.halfGone, ex.context = nil, false, nil
	ex.stream, ex.closed, ex.reader = streamNone, false, nil
	ex.body.reset()
	ex.body.add(ex, e, ring.NoRef, body)
	ex.move(exchangeQueued)
	return ex, nil
}

// cancel tells an exchange that the gateway has given it up.
func (l *lane) cancel(ex *exchange, reason uint16) {
	cause := cancelCause(reason)
	if reason == ring.CancelHalfClosed {
		ex.halfGone = true
	} else {
		if ex.state == exchangeQueued {
			l.forget(ex)
			return
		}
		ex.cancelled = cause
	}
	if ex.context != nil {
		ex.context.cancel(cause)
	}
	ex.cond.Broadcast()
}

// claim starts an exchange if the gateway has not taken it back.
func (l *lane) claim(ex *exchange) bool {
	if !l.ring.Claim(ex.slot, ex.generation) {
		l.forget(ex)
		return false
	}
	ex.startedNs = monotonic()
	ex.move(exchangeRunning)
	l.running++
	return true
}

// forget drops a request that was taken back: all its blocks go back unread (L2).
func (l *lane) forget(ex *exchange) {
	l.queue.remove(ex)
	ex.body.drop(ex)
	l.give(ex.head)
	ex.move(exchangeIdle)
}

// leave ends a running exchange after its last event was published, or when nobody is left to publish it to.
func (ex *exchange) leave() {
	if !ex.began.IsZero() {
		ex.lane.timed(time.Since(ex.began))
		ex.began = time.Time{}
	}
	ex.body.drop(ex)
	if !ex.body.headBusy {
		ex.lane.give(ex.head)
	}
	ex.context, ex.reader = nil, nil
	ex.move(exchangeIdle)
	ex.deadlines.stop()
	if ex.lane.pumping {
		ex.lane.socket.Interrupt()
	}
	ex.cond.Broadcast() // readers and writers of other goroutines find that it has ended
}
