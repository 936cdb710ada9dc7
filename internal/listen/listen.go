package listen

import (
	"os"

	"golang.org/x/sys/unix"
)

// Listener is one address that is listened on. Not safe for concurrent use.
type Listener struct {
	// URL is how a client reaches it: http://HOST:PORT with the bound port, or unix:PATH.
	URL string

	descriptors []int
	claim       *Claim
}

// Open listens on a textual address, see Expected. TCP addresses get loops sockets, unix sockets one that is repeated.
// All are non-blocking and close-on-exec.
func Open(text string, loops int) (*Listener, error) {
	parsed, err := parse(text)
	if err != nil {
		return nil, err
	}
	if parsed.path != "" {
		return openUnix(parsed, loops)
	}
	return openTCP(parsed, loops)
}

// Take gives the descriptors to the caller, one per loop; Close no longer closes them.
func (l *Listener) Take() []int {
	taken := l.descriptors
	l.descriptors = nil
	return taken
}

// Close closes descriptors that were not taken, and removes the path of a unix socket.
func (l *Listener) Close() {
	closeAll(l.Take())
	if l.claim != nil {
		l.claim.Release()
		l.claim = nil
	}
}

// closeAll closes each descriptor once, also when one is repeated.
func closeAll(descriptors []int) {
	closed := make(map[int]bool, len(descriptors))
	for _, fd := range descriptors {
		if !closed[fd] {
			closed[fd] = true
			_ = unix.Close(fd)
		}
	}
}

func openUnix(parsed address, loops int) (*Listener, error) {
	claim, fd, err := Bind(parsed.path, unix.SOCK_STREAM, nil)
	if err != nil {
		return nil, err
	}
	descriptors := make([]int, loops)
	for i := range descriptors {
		descriptors[i] = fd
	}
	return &Listener{URL: parsed.text, descriptors: descriptors, claim: claim}, nil
}

// Bind claims path and listens there with a socket of the given type (unix.SOCK_STREAM or unix.SOCK_SEQPACKET). secure,
// if not nil, runs between binding and listening: until it returned, every attempt to connect is refused by the kernel.
func Bind(path string, socketType int, secure func(path string) error) (*Claim, int, error) {
	claim, err := ClaimPath(path)
	if err != nil {
		return nil, -1, err
	}
	fd, err := bindUnix(path, socketType, secure)
	if err != nil {
		claim.Release()
		return nil, -1, err
	}
	return claim, fd, nil
}

func bindUnix(path string, socketType int, secure func(path string) error) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, socketType|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		_ = unix.Close(fd)
		return -1, pathError(path, err)
	}
	if secure != nil {
		err = secure(path)
	}
	if err == nil {
		err = os.NewSyscallError("listen", unix.Listen(fd, backlog))
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
