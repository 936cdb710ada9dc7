package ring

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Socket is one end of a lane's wake-up socket pair. The bytes in it mean nothing; whoever wakes looks at the rings.
//
// Wait sleeps in two stages. A busy lane rests for some tens of microseconds at a time, and being woken by the runtime's
// poller costs several times that of a plain read: so Wait first blocks in read(2), which keeps a processor of the
// runtime for at most lingerFor, and only then parks on the poller, which keeps nothing.
type Socket struct {
	file   *os.File
	raw    syscall.RawConn
	look   func(fd uintptr) bool // s.wake, made once so that Wait does not allocate
	linger func(fd uintptr)      // s.read, likewise

	// Used by the one goroutine in Wait.
	ready  func() bool
	found  bool // ready has reported true
	ended  bool // the peer is gone
	skip   int  // waits to come that do not linger
	buffer [256]byte

	expected atomic.Int32 // at most this many bytes came since the socket was drained, and a few that were on their way
}

const (
	// lingerFor is also how long goroutines that are runnable may have to wait for the processor that a lingering Wait
	// keeps, if all others are busy.
	lingerFor = 200 * time.Microsecond

	// lingerAgain is how many waits go straight to the poller after one that lingered in vain.
	lingerAgain = 8

	// drainEvery bounds how many bytes can pile up: far fewer than a socket buffer holds (each costs the kernel under
	// 1 KiB of 200), so that a peer never finds it full with nobody awake.
	drainEvery = 32
)

// NewSocket takes over a connected socket and puts it on the poller; nobody may use its descriptor any more.
func NewSocket(fd int) (*Socket, error) {
	if err := prepareSocket(fd); err != nil {
		return nil, errors.Join(fmt.Errorf("ring: wake-up socket: %w", err), unix.Close(fd))
	}
	s := &Socket{file: os.NewFile(uintptr(fd), "ringway-wake")} // non-blocking: it goes on the poller
	s.look, s.linger = s.wake, s.read
	var err error
	if s.raw, err = s.file.SyscallConn(); err != nil {
		return nil, errors.Join(fmt.Errorf("ring: wake-up socket: %w", err), s.file.Close())
	}
	// From here on it blocks, for as long as its time-out says, unless a call says MSG_DONTWAIT.
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, errors.Join(fmt.Errorf("ring: wake-up socket: %w", err), s.file.Close())
	}
	return s, nil
}

func prepareSocket(fd int) error {
	timeout := unix.NsecToTimeval(int64(lingerFor))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return err
	}
	return unix.SetNonblock(fd, true)
}

// wakeByte is what Signal sends.
var wakeByte = []byte{1}

// Signal wakes the peer. It never blocks: a full socket means that a wake-up is on its way already, and a peer that is
// gone needs none. Any goroutine.
func (s *Socket) Signal() {
	_ = s.raw.Control(send)
}

func send(fd uintptr) {
	_ = unix.Send(int(fd), wakeByte, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// Wait sleeps until ready reports true, asking again after each signal. One goroutine at a time. It returns io.EOF when
// the peer has closed its end and os.ErrClosed after Close.
func (s *Socket) Wait(ready func() bool) error {
	s.ready, s.found, s.ended = ready, false, false
	var err error
	if s.skip > 0 {
		s.skip--
	} else {
		err = s.raw.Control(s.linger)
	}
	if err == nil && !s.found && !s.ended {
		err = s.raw.Read(s.look)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		// Interrupted. Who interrupts changes its own state first, so that an interrupt that is lost with this reset
		// has nothing to tell that the caller will not see now.
		return s.file.SetReadDeadline(time.Time{})
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", os.ErrClosed, err)
	case s.ended:
		return io.EOF
	}
	return nil
}

// read is the first stage: it blocks in read(2) until ready reports true, the peer is gone, or nothing came in time.
func (s *Socket) read(fd uintptr) {
	for {
		if s.found = s.ready(); s.found {
			return
		}
		s.Expect() // ready has armed
		n, err := unix.Read(int(fd), s.buffer[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			s.skip = lingerAgain
			return
		case err != nil || n == 0:
			s.ended = true
			return
		default:
			if s.expected.Add(-int32(n)) < 0 {
				s.expected.Store(0) // signals nobody had asked for
			}
		}
	}
}

// wake is the second stage, called when the poller has told of signals, and once before.
func (s *Socket) wake(fd uintptr) bool {
	// The poller forgot about earlier signals before it called us, so this look must come from the ring itself.
	if s.ready() {
		return true
	}
	s.Expect() // ready has armed
	if s.expected.Load() < drainEvery {
		// Undrained bytes do no harm as long as they cannot fill the socket: the poller is edge triggered and tells of
		// every later signal.
		return false
	}
	s.ended = s.drain(int(fd))
	return s.ended || s.ready()
}

// Expect counts a store of an armed or starved word, which may bring one byte: also while nobody sleeps, so that the
// socket cannot fill up unseen. A full socket would swallow the next signal. Any goroutine.
func (s *Socket) Expect() { s.expected.Add(1) }

// drain empties the socket and reports whether the peer is gone.
func (s *Socket) drain(fd int) (ended bool) {
	s.expected.Store(0) // first: what is counted from here on may come after the socket was found empty
	for {
		n, _, err := unix.Recvfrom(fd, s.buffer[:], unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return false
		case err != nil || n == 0:
			return true
		}
	}
}

// Close ends the socket; a goroutine in Wait returns.
func (s *Socket) Close() error {
	_ = s.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) }) // ends a read(2)
	return s.file.Close()
}

// Interrupt makes a Wait that runs, or the next one, return: within lingerFor. Any goroutine.
func (s *Socket) Interrupt() { _ = s.file.SetReadDeadline(time.Unix(1, 0)) }
