package listen

import (
	"os"

	"golang.org/x/sys/unix"
)

// Listener is one address that is listened on. Not safe for concurrent use.
type Listener struct {
	// URL is how a client reaches it: http://HOST:PORT with the bound port, or unix:PATH.
	URL string
	// Proxy is the caller's: connections begin with a PROXY header.
	Proxy bool

	descriptors []int
	claim       *Claim
}

// Open listens on a textual address, see Expected. TCP addresses get a socket for each loop, unix sockets one that is
// repeated. All are non-blocking and close-on-exec.
func Open(text string, options Options) (*Listener, error) {
	parsed, err := parse(text)
	if err != nil {
		return nil, err
	}
	if parsed.path != "" {
		return openUnix(parsed, options)
	}
	return openTCP(parsed, options)
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

func openUnix(parsed address, options Options) (*Listener, error) {
	claim, fd, err := bind(parsed.path, unix.SOCK_STREAM, options.Backlog, func(path string) error {
		if options.UnixMode == 0 {
			return nil
		}
		if err := os.Chmod(path, options.UnixMode); err != nil {
			return pathError(path, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Listener{URL: parsed.text, descriptors: repeat(fd, options.Loops), claim: claim}, nil
}

func repeat(fd, times int) []int {
	descriptors := make([]int, times)
	for i := range descriptors {
		descriptors[i] = fd
	}
	return descriptors
}

// BindControl claims path and listens there with a socket of type SOCK_SEQPACKET. secure runs between binding and
// listening: until it returned, every attempt to connect is refused by the kernel.
func BindControl(path string, secure func(path string) error) (*Claim, int, error) {
	return bind(path, unix.SOCK_SEQPACKET, controlBacklog, secure)
}

func bind(path string, socketType, backlog int, secure func(path string) error) (*Claim, int, error) {
	claim, err := ClaimPath(path)
	if err != nil {
		return nil, -1, err
	}
	fd, err := bindUnix(path, socketType, backlog, secure)
	if err != nil {
		claim.Release()
		return nil, -1, err
	}
	return claim, fd, nil
}

func bindUnix(path string, socketType, backlog int, secure func(path string) error) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, socketType|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		_ = unix.Close(fd)
		return -1, pathError(path, err)
	}
	if err = secure(path); err == nil {
		err = os.NewSyscallError("listen", unix.Listen(fd, backlog))
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
