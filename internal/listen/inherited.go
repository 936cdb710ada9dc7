package listen

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// inheritedAddress is the address of all sockets that the service manager passes; with a colon and a name, of those with
// that name (FileDescriptorName= in systemd.socket(5)).
const inheritedAddress = "systemd"

// IsInherited tells whether an address means sockets that are passed to the process (sd_listen_fds(3)).
func IsInherited(text string) bool {
	return text == inheritedAddress || strings.HasPrefix(text, inheritedAddress+":")
}

// Inherited are listening sockets that the service manager has passed to this process. Not safe for concurrent use.
type Inherited struct{ files []*os.File }

// Inherit takes the passed sockets over, once: the variables that tell of them are removed, so that children do not take
// them for theirs.
func Inherit() *Inherited { return &Inherited{files: activation.Files(true)} }

// Open gives the sockets of an address for which IsInherited holds, one Listener each. A socket is given once. All loops
// share it.
func (i *Inherited) Open(text string, loops int) ([]*Listener, error) {
	_, name, named := strings.Cut(text, ":")
	var rest []*os.File
	var opened []*Listener
	var err error
	for _, file := range i.files {
		if err != nil || named && file.Name() != name {
			rest = append(rest, file)
			continue
		}
		var l *Listener
		if l, err = openInherited(file, loops); err == nil {
			opened = append(opened, l)
		}
		_ = file.Close()
	}
	i.files = rest
	if err == nil && len(opened) == 0 {
		err = errors.New("the service manager has passed no such socket, expected one in LISTEN_FDS")
	}
	if err != nil {
		for _, l := range opened {
			l.Close()
		}
		return nil, fmt.Errorf("listen on %q: %w", text, err)
	}
	return opened, nil
}

// Close closes the sockets that were not opened and returns their names.
func (i *Inherited) Close() []string {
	var names []string
	for _, file := range i.files {
		names = append(names, file.Name())
		_ = file.Close()
	}
	i.files = nil
	return names
}

// openInherited leaves file to the caller.
func openInherited(file *os.File, loops int) (*Listener, error) {
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket %q: %w", file.Name(), err)
	}
	url, err := checkInherited(fd)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("socket %q: %w", file.Name(), err)
	}
	return &Listener{URL: url, descriptors: repeat(fd, loops)}, nil
}

// checkInherited makes sure that a descriptor is what requests can come from, and returns its URL.
func checkInherited(fd int) (string, error) {
	if listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listening != 1 {
		return "", errors.New("it does not listen, expected a listening socket")
	}
	if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_STREAM {
		return "", fmt.Errorf("it is of type %d, expected a stream socket", kind)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}
	if name, ok := name.(*unix.SockaddrUnix); ok {
		return unixPrefix + name.Name, nil
	}
	bound, err := boundAddress(fd, "")
	if err != nil {
		return "", err
	}
	return "http://" + bound.String(), nil
}
