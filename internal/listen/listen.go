package listen

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Listener is one address that is listened on. Not safe for concurrent use.
type Listener struct {
	// URL is how a client reaches it: http://HOST:PORT with the bound port, or unix:PATH.
	URL string
	// Proxy is the caller's: connections begin with a PROXY header.
	Proxy bool

	address     string // as the configuration has it
	inherited   bool   // from the service manager, which may have given it a name
	name        string
	descriptors []int // one for each socket
	claim       *Claim
}

// Open listens on a textual address, see Expected. TCP addresses get a socket for each loop, unix sockets one. All are
// non-blocking and close-on-exec.
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

// Share gives duplicates of the sockets to the caller, in sets of one for each loop. There is one set, unless another number
// of loops has opened the sockets: with more sockets than loops there are several sets, so that each socket is in one, and
// with fewer some loops share one.
func (l *Listener) Share(loops int) ([][]int, error) {
	var sets [][]int
	for first := 0; first < len(l.descriptors); first += loops {
		rest := l.descriptors[first:]
		set := make([]int, 0, loops)
		sets = append(sets, nil)
		for i := range loops {
			fd, err := unix.FcntlInt(uintptr(rest[i%min(loops, len(rest))]), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				closeAll(set)
				for _, set := range sets {
					closeAll(set)
				}
				return nil, fmt.Errorf("duplicate socket: %w", err)
			}
			set = append(set, fd)
		}
		sets[len(sets)-1] = set
	}
	return sets, nil
}

// Close closes the sockets, which live on where they were shared with others, and removes the path of a unix socket.
func (l *Listener) Close() {
	closeAll(l.descriptors)
	l.descriptors = nil
	if l.claim != nil {
		l.claim.Release()
		l.claim = nil
	}
}

func closeAll(descriptors []int) {
	for _, fd := range descriptors {
		_ = unix.Close(fd)
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
	return &Listener{URL: parsed.text, address: parsed.text, descriptors: []int{fd}, claim: claim}, nil
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
