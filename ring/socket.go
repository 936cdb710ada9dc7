package ring

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Socket is one end of a lane's wake-up socket pair. The bytes in it mean nothing; whoever wakes looks at the rings.
//
// Wait sleeps in two stages. A busy lane rests for some tens of microseconds at a time, and being woken by the runtime's
// poller costs several times that of a plain read: so Wait first lingers in read(2), which keeps a processor of the
// runtime for at most lingerFor, and only then parks on the poller, which keeps nothing. So that the poller is not woken
// while somebody lingers, it watches the socket through an epoll instance, which is told to look away meanwhile.
type Socket struct {
	file   *os.File // blocks, with lingerFor as time-out, unless a call says MSG_DONTWAIT; not on the poller
	raw    syscall.RawConn
	watch  *os.File // the epoll instance, on the poller
	parked syscall.RawConn
	sleep  func(fd uintptr)      // s.wait, made once so that Wait does not allocate
	look   func(fd uintptr) bool // s.woken, likewise

	// Used by the one goroutine in Wait.
	fd       int
	ready    func() bool
	ended    bool // the peer is gone
	watching bool // the epoll instance looks at the socket
	skip     int  // waits to come that do not linger
	err      error
	buffer   [256]byte

	receiving sync.Mutex // with files set: of a read and of what it gives to files
	files     func(fd int)

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

// NewSocket takes over a connected socket; nobody may use its descriptor any more.
func NewSocket(fd int) (*Socket, error) {
	s := new(Socket)
	if err := s.open(fd); err != nil {
		if s.file == nil {
			return nil, errors.Join(fmt.Errorf("ring: wake-up socket: %w", err), unix.Close(fd))
		}
		return nil, errors.Join(fmt.Errorf("ring: wake-up socket: %w", err), s.file.Close())
	}
	return s, nil
}

func (s *Socket) open(fd int) error {
	if err := unix.SetNonblock(fd, false); err != nil {
		return err
	}
	timeout := unix.NsecToTimeval(int64(lingerFor))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return err
	}
	s.file = os.NewFile(uintptr(fd), "ringway-wake")
	s.sleep, s.look = s.wait, s.woken
	var err error
	if s.raw, err = s.file.SyscallConn(); err != nil {
		return err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	err = errors.Join(
		unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{}),
		unix.SetNonblock(epoll, true)) // for os.NewFile, which then puts it on the poller
	s.watch = os.NewFile(uintptr(epoll), "ringway-wake-watch")
	if err == nil {
		s.parked, err = s.watch.SyscallConn()
	}
	if err != nil {
		return errors.Join(err, s.watch.Close())
	}
	return nil
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
	s.ready, s.ended, s.err = ready, false, nil
	err := s.raw.Control(s.sleep) // holds the descriptor
	if err == nil {
		err = s.err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		// Interrupted. Who interrupts changes its own state first, so that an interrupt that is lost with this reset
		// has nothing to tell that the caller will not see now.
		return s.watch.SetReadDeadline(time.Time{})
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", os.ErrClosed, err)
	case s.ended:
		return io.EOF
	}
	return nil
}

func (s *Socket) wait(fd uintptr) {
	s.fd = int(fd)
	if s.skip > 0 {
		s.skip--
	} else if s.linger() {
		return
	}
	if s.err == nil {
		s.err = s.parked.Read(s.look)
	}
}

// linger blocks in read(2) until there is something to tell; false if nothing came in time.
func (s *Socket) linger() bool {
	if s.err = s.setWatching(false); s.err != nil {
		return false
	}
	for {
		if s.ready() {
			return true
		}
		s.Expect() // ready has armed
		n, err := s.read(0)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			s.skip = lingerAgain
			return false
		case err != nil || n == 0:
			s.ended = true
			return true
		default:
			if s.expected.Add(-int32(n)) < 0 {
				s.expected.Store(0) // signals nobody had asked for
			}
		}
	}
}

// woken is called before parking, and when the poller has told of signals.
func (s *Socket) woken(uintptr) bool {
	if s.err = s.setWatching(true); s.err != nil {
		return true
	}
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
	s.ended = s.drain()
	return s.ended || s.ready()
}

// setWatching says whether the poller is to be told of signals.
func (s *Socket) setWatching(watching bool) error {
	if s.watching == watching {
		return nil
	}
	s.watching = watching
	event := unix.EpollEvent{}
	if watching {
		event.Events = unix.EPOLLIN
	}
	var err error
	if e := s.parked.Control(func(epoll uintptr) { err = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_MOD, s.fd, &event) }); e != nil {
		return e
	}
	return err
}

// Expect counts a store of an armed or starved word, which may bring one byte: also while nobody sleeps, so that the
// socket cannot fill up unseen. A full socket would swallow the next signal. Any goroutine.
func (s *Socket) Expect() { s.expected.Add(1) }

// drain empties the socket and reports whether the peer is gone.
func (s *Socket) drain() (ended bool) {
	s.expected.Store(0) // first: what is counted from here on may come after the socket was found empty
	for {
		n, err := s.read(unix.MSG_DONTWAIT)
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
	return errors.Join(s.watch.Close(), s.file.Close())
}

// Interrupt makes a Wait that runs, or the next one, return: within lingerFor. Any goroutine.
func (s *Socket) Interrupt() { _ = s.watch.SetReadDeadline(time.Unix(1, 0)) }
