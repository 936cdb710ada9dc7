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

// Socket is one end of a lane's wake-up socket pair, on the runtime's poller. The bytes in it mean nothing; whoever
// wakes looks at the rings.
type Socket struct {
	file *os.File
	raw  syscall.RawConn
	look func(fd uintptr) bool // s.wake, made once so that Wait does not allocate

	// Used by the one goroutine in Wait.
	ready func() bool
	ended bool

	expected atomic.Int32 // at most this many bytes came since the socket was drained, and a few that were on their way
}

// drainEvery bounds how many bytes can pile up: far fewer than a socket buffer holds (each costs the kernel under 1 KiB
// of 200), so that a peer never finds it full with nobody awake.
const drainEvery = 32

// NewSocket takes over a connected socket. It makes it non-blocking and puts it on the poller; nobody may use its
// descriptor any more.
func NewSocket(fd int) (*Socket, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("ring: wake-up socket: %w", err), unix.Close(fd))
	}
	s := &Socket{file: os.NewFile(uintptr(fd), "ringway-wake")}
	s.look = s.wake
	var err error
	if s.raw, err = s.file.SyscallConn(); err != nil {
		return nil, errors.Join(fmt.Errorf("ring: wake-up socket: %w", err), s.file.Close())
	}
	return s, nil
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
	s.ready, s.ended = ready, false
	err := s.raw.Read(s.look)
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
	var buffer [256]byte
	for {
		n, _, err := unix.Recvfrom(fd, buffer[:], unix.MSG_DONTWAIT)
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
func (s *Socket) Close() error { return s.file.Close() }

// Interrupt makes a Wait that runs, or the next one, return. Any goroutine.
func (s *Socket) Interrupt() { _ = s.file.SetReadDeadline(time.Unix(1, 0)) }
