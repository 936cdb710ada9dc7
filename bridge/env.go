package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"ringway/envmap"
	"ringway/ring"
)

// envExchange is an exchange as package envmap wants it. It is part of the slot and allocates nothing, but for a context
// if the application asks for one.
type envExchange struct {
	ex         *exchange
	generation uint32
	told       bool // its failure is logged
}

var _ envmap.Exchange = (*envExchange)(nil)

func (e *envExchange) begin(ex *exchange) *envExchange {
	e.ex, e.generation, e.told = ex, ex.generation, false
	return e
}

// RequestBlock is the lent block; it goes back with the last event.
func (e *envExchange) RequestBlock() []byte { return e.ex.lane.ring.Inbound(e.ex.head) }

// Context makes the request's context.
func (e *envExchange) Context() context.Context {
	l := e.ex.lane
	l.lock()
	defer l.unlock()
	if e.ex.context == nil {
		c := &requestContext{worker: l.att.worker, number: l.att.number, waited: e.ex.waited()}
		if block, err := ring.ParseRequest(e.RequestBlock()); err == nil {
			c.local, c.attempt = block.Local(), block.Attempt()
		}
		switch {
		case e.ex.cancelled != nil:
			c.cause = e.ex.cancelled
		case e.ex.halfGone:
			c.cause = ErrHalfClosed
		}
		e.ex.context = c
	}
	return e.ex.context
}

// RequestBody is the exchange itself.
func (e *envExchange) RequestBody() io.Reader { return e }

// Read reads the request body.
func (e *envExchange) Read(p []byte) (int, error) { return e.ex.readBody(e.generation, p) }

// WriteTo writes the request body without copying it before.
func (e *envExchange) WriteTo(w io.Writer) (int64, error) { return e.ex.copyBody(e.generation, w) }

// fill puts a response head into the sender.
func (e *envExchange) fill(head *envmap.ResponseHead) {
	s := &e.ex.sender
	s.status = uint16(head.Status)
	if head.Length >= 0 {
		s.total = uint64(head.Length)
	}
	s.bare = true // envmap has settled the length
	if e.ex.lane.att.reasons {
		s.head = ring.AppendReason(s.head, head.Reason)
	}
	for i := range head.Fields {
		f := &head.Fields[i]
		s.head = ring.AppendField(s.head, ring.LookupName(f.Name), f.Name, f.Value)
	}
}

// Send publishes the whole response.
func (e *envExchange) Send(head *envmap.ResponseHead, body []byte) error {
	e.failed(head.Cancel)
	e.fill(head)
	if err := send(&e.ex.sender, body); err != nil {
		return err
	}
	return e.ex.sender.finish(nil)
}

// failed logs why an application failed, as long as its request's block is lent, and cancels its context, for what it
// may have left running.
func (e *envExchange) failed(cause error) {
	if cause == nil {
		return
	}
	l := e.ex.lane
	if !e.told && !errors.Is(cause, envmap.ErrAbort) && !l.att.gone(cause) {
		e.told = true
		block, _ := ring.ParseRequest(e.RequestBlock())
		l.att.worker.opts.logger.Error("ringway: application failed", append(aboutBlock(block), "error", cause)...)
	}
	l.lock()
	defer l.unlock()
	if e.ex.context != nil {
		e.ex.context.cancel(cause)
	}
}

// Begin keeps the head until there are bytes to go with it.
func (e *envExchange) Begin(head *envmap.ResponseHead) error {
	e.fill(head)
	return nil
}

// Write adds to the response body.
func (e *envExchange) Write(p []byte) (int, error) {
	if err := send(&e.ex.sender, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Reserve gives memory of a block.
func (e *envExchange) Reserve(n int) ([]byte, error) { return e.ex.sender.reserve(n) }

// Commit makes reserved bytes part of the body.
func (e *envExchange) Commit(n int) error { return e.ex.sender.commit(n) }

// SendFile adds a part of a file to the response body.
func (e *envExchange) SendFile(ctx context.Context, file envmap.File, offset, count int64) error {
	return e.ex.sender.sendFile(ctx, file, offset, count)
}

// Flush publishes everything held back.
func (e *envExchange) Flush() error { return e.ex.sender.flush() }

// Finish publishes the end.
func (e *envExchange) Finish() error { return e.ex.sender.finish(nil) }

// Upgrade answers 101.
func (e *envExchange) Upgrade(head *envmap.ResponseHead) (envmap.Stream, error) {
	c, err := e.ex.hijack(e.generation, true)
	if errors.Is(err, http.ErrNotSupported) {
		return nil, fmt.Errorf("%w: %w", envmap.ErrUpgrade, err)
	}
	if err != nil {
		return nil, err
	}
	e.fill(head)
	s := &e.ex.sender
	s.status, s.total = http.StatusSwitchingProtocols, ring.LengthUnknown
	if err := c.begin(); err != nil {
		s.head = s.head[:0]
		c.letGo()
		return nil, err
	}
	return c, nil
}

// Abort ends the exchange badly.
func (e *envExchange) Abort(cause error) {
	e.failed(cause)
	status := uint16(500)
	if errors.Is(cause, envmap.ErrAbort) {
		status = 0
	}
	e.ex.sender.abort(status)
}

// runEnv calls the application for a claimed exchange. Why it failed is logged by failed: here the slot may be another's.
func (w *worker) runEnv(ex *exchange) { _ = w.env.Run(ex.env.begin(ex)) }
