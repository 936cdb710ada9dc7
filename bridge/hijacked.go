package bridge

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"ringway/ring"
)

// hijackedConn is the connection of a hijacked exchange. What is written first is the head of the answer; behind a 101
// bytes go both ways as they are.
type hijackedConn struct {
	ex            *exchange
	generation    uint32
	offered       bool // 101 may be answered
	local, remote net.Addr

	closed bool // guarded by lane.mu

	mu      sync.Mutex // writers, one after the other
	head    []byte     // of the answer, as far as it was written
	left    int64      // bytes of a declared length still to be written, -1 without one
	bare    bool       // the answer has no body
	shut    bool       // CloseWrite was called
	failure error      // of the head: what is written behind it means nothing
}

var errAfterShut = &os.SyscallError{Syscall: "write", Err: syscall.EPIPE}

// Read reads what the client sends behind its request, once 101 was answered.
func (c *hijackedConn) Read(p []byte) (int, error) {
	defer runtime.KeepAlive(c)
	if len(p) == 0 {
		return 0, nil
	}
	l := c.ex.lane
	l.lock()
	if err := c.awaitBytes(); err != nil {
		l.unlock()
		return 0, c.failed("read", err)
	}
	return c.ex.readPiece(c.generation, p), nil
}

// awaitBytes waits until there is something to read, or says why there will be nothing. The lane is locked.
func (c *hijackedConn) awaitBytes() error {
	ex := c.ex
	for {
		open := ex.stream == streamOpen
		switch {
		case c.closed || !ex.runs(c.generation):
			return net.ErrClosed
		case passed(ex.deadlines.read):
			return os.ErrDeadlineExceeded
		case open && ex.body.waiting():
			return nil
		case open && ex.body.busy: // another goroutine reads a piece, of which something may be left
		case open && ex.body.ended, !open && ex.halfGone:
			return io.EOF
		case ex.cancelled != nil:
			return ex.cancelled
		case ex.lane.closed:
			return ErrGatewayGone
		}
		ex.await()
	}
}

// Write writes to the client; it waits while the client takes nothing.
func (c *hijackedConn) Write(p []byte) (int, error) {
	defer runtime.KeepAlive(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.write(p)
	if err != nil {
		err = c.failed("write", err)
	}
	return n, err
}

func (c *hijackedConn) write(p []byte) (int, error) {
	done := 0
	switch {
	case c.failure != nil:
		return 0, c.failure
	case c.shut:
		return 0, errAfterShut
	}
	if c.ex.streamOf(c.generation) == streamHead {
		n, err := c.writeHead(p)
		if err != nil || n == len(p) {
			return n, err
		}
		done = n
	}
	for done < len(p) {
		most := len(p) - done
		if c.left >= 0 {
			most = int(min(int64(most), c.left))
		}
		switch {
		case c.bare:
			return done, http.ErrBodyNotAllowed
		case most == 0:
			return done, http.ErrContentLength
		}
		n, err := c.push(p[done : done+most])
		if done += n; c.left >= 0 {
			c.left -= int64(n)
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// streamOf is streamNone if the exchange is over.
func (ex *exchange) streamOf(generation uint32) streamState {
	ex.lane.lock()
	defer ex.lane.unlock()
	if !ex.runs(generation) {
		return streamNone
	}
	return ex.stream
}

// push publishes bytes as one event: as many as fit into the block that can be had.
func (c *hijackedConn) push(p []byte) (int, error) {
	ex, l, s := c.ex, c.ex.lane, &c.ex.sender
	l.lock()
	defer l.unlock()
	if c.closed || !ex.runs(c.generation) {
		return 0, net.ErrClosed
	}
	h, err := s.acquire(min(len(p), ring.MaxBlock), 1)
	if err != nil {
		return 0, err
	}
	n := min(len(p), h.Size())
	mem := l.ring.Block(h)
	if n <= smallRead {
		copy(mem, p[:n])
	} else {
		l.unlock()
		copy(mem, p[:n])
		l.lock()
		if err := s.writable(); err != nil {
			l.release(h)
			ex.window += h.Size()
			return 0, err
		}
	}
	e := s.event(ring.EventResponseBody, 0)
	e.SetBody(ref(h, n))
	if err := s.publishResponse(&e); err != nil {
		return 0, err
	}
	return n, nil
}

// begin publishes the head that the sender holds. Behind 101 the request is forgotten: what comes is the stream.
func (c *hijackedConn) begin() error {
	ex, l, s := c.ex, c.ex.lane, &c.ex.sender
	l.lock()
	defer l.unlock()
	if c.closed || !ex.runs(c.generation) {
		return net.ErrClosed
	}
	if err := s.writable(); err != nil {
		return err
	}
	if err := s.publishHead([]byte{}, 0); err != nil {
		return err
	}
	c.left, ex.stream = -1, streamAnswer
	if s.status == http.StatusSwitchingProtocols {
		ex.body.reset()
		ex.stream = streamOpen
	} else if s.total != ring.LengthUnknown {
		c.left = int64(s.total)
	}
	ex.cond.Broadcast()
	return nil
}

// CloseWrite ends what is written: the client sees the end, and can still send.
func (c *hijackedConn) CloseWrite() error {
	defer runtime.KeepAlive(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.closeWrite(); err != nil {
		return c.failed("close", err)
	}
	return nil
}

func (c *hijackedConn) closeWrite() error {
	ex, l, s := c.ex, c.ex.lane, &c.ex.sender
	l.lock()
	defer l.unlock()
	switch {
	case c.closed || !ex.runs(c.generation):
		return net.ErrClosed
	case ex.stream != streamOpen:
		return errNoStream
	case c.shut:
		return nil
	}
	if err := s.writable(); err != nil {
		return err
	}
	e := s.event(ring.EventResponseBody, ring.FlagShut)
	c.shut = true
	return s.publish(&e)
}

var errNoStream = errors.New("bridge: CloseWrite of a connection that was not answered 101")

// Close ends the exchange: what was written is sent. Without a whole answer it fails (the client gets 502, or a cut
// connection).
func (c *hijackedConn) Close() error {
	ex, l := c.ex, c.ex.lane
	l.lock()
	if c.closed {
		l.unlock()
		return c.failed("close", net.ErrClosed)
	}
	c.closed = true
	runtime.SetFinalizer(c, nil)
	if ex.runs(c.generation) {
		ex.closed = true
		ex.cond.Broadcast() // a writer that waits lets us in
	}
	inline := l.mode == modeInline
	l.unlock()
	if inline {
		l.socket.Interrupt()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finish()
	l.unpin()
	return nil
}

// finish publishes the last event (L4).
func (c *hijackedConn) finish() {
	ex, l, s := c.ex, c.ex.lane, &c.ex.sender
	l.lock()
	whole := ex.runs(c.generation) && ex.cancelled == nil && !l.closed && c.failure == nil &&
		(ex.stream == streamOpen || ex.stream == streamAnswer && c.left <= 0)
	if whole {
		e := s.event(ring.EventResponseBody, ring.FlagEnd)
		whole = s.publishResponse(&e) == nil
	}
	over := !ex.runs(c.generation)
	l.unlock()
	if !whole && !over {
		s.abort(0)
	}
}

// letGo undoes a hijack that came to nothing: the exchange can still be answered or aborted.
func (c *hijackedConn) letGo() {
	ex, l := c.ex, c.ex.lane
	l.lock()
	defer l.unlock()
	c.closed = true
	runtime.SetFinalizer(c, nil)
	if ex.runs(c.generation) {
		ex.stream = streamNone
	}
	l.unpin()
}

// LocalAddr is the gateway's end of the client's connection.
func (c *hijackedConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the client's end.
func (c *hijackedConn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines; the zero time is none.
func (c *hijackedConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline bounds reads, also those that wait.
func (c *hijackedConn) SetReadDeadline(t time.Time) error {
	d := &c.ex.deadlines
	return c.setDeadline(&d.read, &d.readTimer, t)
}

// SetWriteDeadline bounds writes, also those that wait.
func (c *hijackedConn) SetWriteDeadline(t time.Time) error {
	d := &c.ex.deadlines
	return c.setDeadline(&d.write, &d.writeTimer, t)
}

func (c *hijackedConn) setDeadline(at *time.Time, timer **time.Timer, t time.Time) error {
	l := c.ex.lane
	l.lock()
	defer l.unlock()
	if c.closed || !c.ex.runs(c.generation) {
		return c.failed("set", net.ErrClosed)
	}
	c.ex.setDeadline(at, timer, t)
	return nil
}

// failed makes errors as those of a socket are.
func (c *hijackedConn) failed(op string, err error) error {
	switch err {
	case io.EOF:
		return err
	case ErrEnded:
		err = net.ErrClosed
	case ErrClientGone:
		err = errReset
	}
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}

// errReset is what a client that has gone looks like to who knows sockets.
var errReset = errors.Join(ErrClientGone, syscall.ECONNRESET)
