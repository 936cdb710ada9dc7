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

// inheritedName is the name that an address for which IsInherited holds asks for, or that it asks for all.
func inheritedName(text string) (name string, all, ok bool) {
	_, name, named := strings.Cut(text, ":")
	return name, !named, IsInherited(text)
}

// Open gives the sockets of an address for which IsInherited holds, one Listener each. A socket is given once. All loops
// share it.
func (i *Inherited) Open(text string) ([]*Listener, error) {
	name, all, _ := inheritedName(text)
	var rest []*os.File
	var opened []*Listener
	var err error
	for _, file := range i.files {
		if err != nil || !all && file.Name() != name {
			rest = append(rest, file)
			continue
		}
		var l *Listener
		if l, err = openInherited(file); err == nil {
			l.address = text
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
func openInherited(file *os.File) (*Listener, error) {
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket %q: %w", file.Name(), err)
	}
	var url string
	if err = CheckSocket(fd, unix.SOCK_STREAM); err == nil {
		url, err = inheritedURL(fd)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("socket %q: %w", file.Name(), err)
	}
	return &Listener{URL: url, inherited: true, name: file.Name(), descriptors: []int{fd}}, nil
}

func inheritedURL(fd int) (string, error) {
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
