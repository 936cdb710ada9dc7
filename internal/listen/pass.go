package listen

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Passed is a listener as one gateway tells the next of it. Descriptors are numbers in the process of the next.
type Passed struct {
	Address   string `json:"address"` // as the configuration has it
	Inherited bool   `json:"inherited,omitempty"`
	Name      string `json:"name,omitempty"` // the service manager's
	URL       string `json:"url"`
	Sockets   []int  `json:"sockets"`
	Lock      int    `json:"lock,omitempty"` // of a unix socket's path; 0: none
}

// Pass describes the listener for another process. give passes a descriptor on and returns its number there.
func (l *Listener) Pass(give func(fd int) int) Passed {
	p := Passed{Address: l.address, Inherited: l.inherited, Name: l.name, URL: l.URL}
	for _, fd := range l.descriptors {
		p.Sockets = append(p.Sockets, give(fd))
	}
	if l.claim != nil {
		p.Lock = give(l.claim.Descriptor())
	}
	return p
}

// Open makes a listener of what was passed to this process. The path of a unix socket stays with the process before until
// Own: Close does not remove it.
func (p Passed) Open() (*Listener, error) {
	if len(p.Sockets) == 0 {
		return nil, fmt.Errorf("listen on %q: no socket was handed over, expected at least one", p.Address)
	}
	l := &Listener{URL: p.URL, address: p.Address, inherited: p.Inherited, name: p.Name, descriptors: p.Sockets}
	for _, fd := range p.Sockets {
		if err := CheckSocket(fd, unix.SOCK_STREAM); err != nil {
			return nil, fmt.Errorf("listen on %q: descriptor %d: %w", p.Address, fd, err)
		}
	}
	if p.Lock == 0 {
		return l, nil
	}
	parsed, err := parse(p.Address)
	if err == nil && parsed.path == "" {
		err = fmt.Errorf("listen on %q: a lock was handed over, expected one for unix sockets only", p.Address)
	}
	if err == nil {
		l.claim, err = TakeClaim(parsed.path, p.Lock)
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// CheckSocket makes sure that a descriptor is a listening socket of a type, which does not block.
func CheckSocket(fd, socketType int) error {
	if listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listening != 1 {
		return errors.New("it does not listen, expected a listening socket")
	}
	if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != socketType {
		return fmt.Errorf("it is of type %d, expected %d", kind, socketType)
	}
	return os.NewSyscallError("fcntl", unix.SetNonblock(fd, true))
}

// Own takes over what the process before still had: the path of a unix socket is removed by Close from then on.
// The accept queue and the access mode become those of the options.
func (l *Listener) Own(options Options) error {
	var errs []error
	if !l.inherited {
		for _, fd := range l.descriptors {
			errs = append(errs, os.NewSyscallError("listen", unix.Listen(fd, options.Backlog)))
		}
	}
	if l.claim != nil {
		l.claim.Own()
		if options.UnixMode != 0 {
			errs = append(errs, os.Chmod(l.claim.path, options.UnixMode))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("listen on %q: %w", l.address, err)
	}
	return nil
}

// Disown leaves the path of a unix socket to another process: Close does not remove it.
func (l *Listener) Disown() {
	if l.claim != nil {
		l.claim.Disown()
	}
}

// Handed are listeners that the gateway before has handed over. Not safe for concurrent use.
type Handed struct{ listeners []*Listener }

// TakeOver opens all that was passed.
func TakeOver(passed []Passed) (*Handed, error) {
	h := &Handed{}
	for _, p := range passed {
		l, err := p.Open()
		if err != nil {
			return nil, err
		}
		h.listeners = append(h.listeners, l)
	}
	return h, nil
}

// Find gives the listeners of an address, each once; none if it was not handed over. Addresses are the same if their texts
// are.
func (h *Handed) Find(address string) []*Listener {
	name, all, manager := inheritedName(address)
	for i, l := range h.listeners {
		if !manager && !l.inherited && l.address == address {
			h.listeners = slices.Delete(h.listeners, i, i+1)
			return []*Listener{l}
		}
	}
	var found, rest []*Listener
	for _, l := range h.listeners {
		if manager && l.inherited && (all || l.name == name) {
			l.address = address
			found = append(found, l)
		} else {
			rest = append(rest, l)
		}
	}
	h.listeners = rest
	return found
}

// Rest gives those that were not asked for to the caller.
func (h *Handed) Rest() []*Listener {
	rest := h.listeners
	h.listeners = nil
	return rest
}

// Close closes those that nobody has asked for.
func (h *Handed) Close() {
	for _, l := range h.Rest() {
		l.Close()
	}
}
