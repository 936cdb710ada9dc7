package bridge

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"ringway/ring"
)

// streamState is how far a hijacked exchange has come.
type streamState uint8

const (
	streamNone   streamState = iota // not hijacked
	streamHead                      // the head of the answer is yet to be written
	streamOpen                      // 101 was published: bytes go both ways
	streamAnswer                    // another answer was begun by hand: bytes written are its body
)

var (
	errAnswered = fmt.Errorf("bridge: Hijack after the answer has begun: %w", http.ErrNotSupported)
	errNoHijack = errors.New("bridge: the handler has answered 101 without Hijack")
)

// Hijack takes the connection over; see "Upgrades" in the documentation of this package.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended:
		return nil, nil, ErrEnded
	case w.hijacked:
		return nil, nil, http.ErrHijacked
	case w.wroteHeader && w.status != http.StatusSwitchingProtocols:
		return nil, nil, errAnswered
	}
	c, err := w.ex.hijack(w.generation, w.wroteHeader)
	if err != nil {
		return nil, nil, err
	}
	if w.wroteHeader {
		if err := c.begin(); err != nil {
			c.letGo()
			return nil, nil, err
		}
	}
	w.hijacked = true
	return c, bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c)), nil
}

// hijack makes a connection of an exchange that has not been answered; switching: it is only wanted for 101.
func (ex *exchange) hijack(generation uint32, switching bool) (*hijackedConn, error) {
	l := ex.lane
	l.lock()
	defer l.unlock()
	if !ex.runs(generation) {
		return nil, ErrEnded
	}
	b, err := ring.ParseRequest(l.ring.Inbound(ex.head))
	if err != nil {
		return nil, err
	}
	c := &hijackedConn{
		ex: ex, generation: generation,
		offered: b.Flags()&ring.RequestUpgrade != 0,
		remote:  connAddr(b.Remote()), local: connAddr(b.Local()),
	}
	switch {
	case b.Version() != 0x11:
		return nil, fmt.Errorf("bridge: Hijack of an HTTP/%d.%d request, want HTTP/1.1: %w", b.Version()>>4, b.Version()&15, http.ErrNotSupported)
	case b.Method() == ring.MethodHead:
		return nil, fmt.Errorf("bridge: Hijack of a HEAD request, whose answer has no body: %w", http.ErrNotSupported)
	case switching && !c.offered:
		return nil, fmt.Errorf("bridge: 101 to a request that does not offer another protocol (Upgrade): %w", http.ErrNotSupported)
	}
	if err := ex.settleBody(generation, c.offered); err != nil {
		return nil, err
	}
	ex.stream = streamHead
	ex.deadlines.stop()
	ex.began = time.Time{} // how long it lasts says nothing of handlers
	l.att.users.Add(1)     // until it is closed
	l.detach(ex)
	runtime.SetFinalizer(c, func(c *hijackedConn) { go func() { _ = c.Close() }() })
	return c, nil
}

// settleBody gives up the request's body; before a change of protocols it waits for its end (RFC 9110, 7.8). The lane
// is locked.
func (ex *exchange) settleBody(generation uint32, whole bool) error {
	ex.body.drop(ex)
	for ex.body.busy || whole && !ex.body.ended {
		switch {
		case !ex.runs(generation):
			return ErrEnded
		case ex.cancelled != nil:
			return ex.cancelled
		case ex.lane.closed:
			return ErrGatewayGone
		case passed(ex.deadlines.read):
			return errTruncated
		}
		if err := ex.askBody(generation); err != nil {
			return err
		}
		if ex.body.busy || whole && !ex.body.ended {
			ex.await()
		}
	}
	return nil
}

// detach takes the place of a handler, among those that may run at once, from the one of a hijacked exchange: it may
// last as long as its connection. The lane is locked.
func (l *lane) detach(ex *exchange) {
	r := ex.reader
	if r == nil || r.detached {
		return
	}
	r.detached = true
	l.running--
	l.detached++
	switch l.mode {
	case modeAuto:
		l.cover()
		if l.queue.first == nil {
			return
		}
		if l.polling {
			l.socket.Interrupt() // it comes back to the queue
		} else if f := l.follower(); f != nil {
			l.ready(f)
		}
	case modePool:
		l.pool--
		if l.queue.first != nil {
			l.employ()
		}
	case modeInline:
		l.readers++
		l.ready(newReader())
	}
}

// returned takes account of a handler whose reader is back. The lane is locked.
func (l *lane) returned(r *reader) {
	if !r.detached {
		l.running--
		return
	}
	r.detached = false
	l.detached--
	switch l.mode {
	case modePool:
		if r.surplus = l.pool >= l.limit; !r.surplus {
			l.pool++
		}
	case modeInline:
		r.surplus = true
	}
}

func connAddr(a netip.AddrPort) net.Addr {
	if !a.IsValid() {
		return &net.UnixAddr{Name: "@", Net: "unix"} // what Go calls the unnamed end of a unix socket
	}
	return net.TCPAddrFromAddrPort(a)
}
